# Served by bulkhead-launcher to bulkhead-cri: flat messages over SEQPACKET, one connection and one handler process per
# request. Everything here comes from the exposed process: the launcher parses ids, checks every field against the
# ceiling, and keeps its own record of pods and containers to which later requests only refer.
@0xdb4d4f59d9d415cc;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";

struct LaunchRequest {
  union {
    makePod @0 :PodSpec;
    removePod @1 :Text;               # pod id; absent is ok; its containers must be deleted
    createContainer @2 :ContainerSpec;
    startContainer @3 :Text;          # container id
    signalContainer @4 :Signal;
    deleteContainer @5 :Text;         # kills what still runs; absent is ok
    exec @6 :ExecSpec;                # with two descriptors: stdout and stderr; or as ExecSpec says
    inspect @7 :Text;                 # container id
    list @8 :Void;
    version @9 :Text;                 # a runtime handler's name: is it usable here, and which version is it?
    updateContainer @10 :Update;      # all of it or nothing
    openLog @11 :Text;                # container id: its log file, made anew where it was moved away; the answer brings
                                      # it as a descriptor
    countFiles @12 :List(Text);       # pod ids: what the processes of their running containers hold open; of unknown pods
                                      # and of what ends meanwhile nothing is said
  }
}

struct LaunchReply {
  union {
    done @0 :Void;
    pod @1 :PodInfo;
    container @2 :ContainerInfo;
    exec @3 :ExecEnd;
    list @4 :List(PodInfo);
    version @5 :Text;
    refused @6 :Common.Refusal;
    files @7 :List(OpenFiles);
  }
}

struct OpenFiles {
  containerId @0 :Text;
  descriptors @1 :UInt64;    # of all its processes
  sockets @2 :UInt64;        # of these
  limit @3 :UInt64;          # of descriptors, soft, of its first process
}

struct PodSpec {
  id @0 :Text;
  hostname @1 :Text;          # empty: the host's (host network) or none
  cgroupParent @2 :Text;      # cgroupfs notation; empty: the runtime's own
  logDirectory @3 :Text;      # absolute, beneath an allowed log root; empty: no logs
  network @4 :Namespace;      # pod or node
  ipc @5 :Namespace;
  pid @6 :Namespace;          # container (default), pod or node
  dns @7 :Dns;
  runtimeHandler @8 :Text;
  privileged @9 :Bool;        # some container of this pod may be
  sysctls @10 :List(Common.KeyValue);   # names with dots; set in the pod's namespaces whenever a container is made
}

enum Namespace {
  pod @0;
  container @1;
  node @2;
}

struct Dns {
  servers @0 :List(Text);
  searches @1 :List(Text);
  options @2 :List(Text);
  # All empty: the host's /etc/resolv.conf is used.
}

struct ContainerSpec {
  id @0 :Text;
  podId @1 :Text;
  args @2 :List(Data);
  env @3 :List(Data);          # "NAME=value"
  workingDirectory @4 :Text;
  uid @5 :UInt32;
  gid @6 :UInt32;
  groups @7 :List(UInt32);
  capabilities @8 :List(Text); # "CAP_…": exactly what the process gets
  noNewPrivileges @9 :Bool;
  readOnlyRoot @10 :Bool;
  privileged @11 :Bool;
  maskedPaths @12 :List(Text);   # added to the launcher's own list, unless privileged
  readOnlyPaths @13 :List(Text);
  mounts @14 :List(Mount);
  seccomp @15 :Seccomp;
  resources @16 :Resources;
  pid @17 :Namespace;
  tty @18 :Bool;
  stdin @19 :Bool;
  logPath @20 :Text;           # relative to the pod's log directory; empty: no log
  directories @21 :List(Text); # made in the root file system if they are absent: an image's declared volumes
  devices @22 :List(Device);
  cdiDevices @23 :List(Text);  # fully qualified names (CDI specification, "Device names")
  pidTarget @24 :Text;         # the container, of the same pod, whose PID namespace this one enters; empty: as `pid` says
  seccompProfile @25 :Text;    # of `localhost`: absolute path of the profile
  ambientCapabilities @26 :List(Text);  # of `capabilities`: kept by a user other than root
}

struct Device {
  source @0 :Text;             # absolute, on the host: a device, or a directory of some
  destination @1 :Text;
  access @2 :Text;             # of "rwm"
}

struct Mount {
  source @0 :Text;             # of a bind: absolute, on the host; opened once, judged, cloned
  destination @1 :Text;
  readOnly @2 :Bool;
  propagation @3 :Propagation;
  recursiveReadOnly @4 :Bool;
  union {
    bind @5 :Void;
    image @6 :Text;            # the root of the image with this id; readOnly, private
    volume @7 :UInt16;         # the container's anonymous volume of this number; private
  }
  subPath @8 :Text;            # of an image

  enum Propagation {
    private @0;
    hostToContainer @1;
    bidirectional @2;
  }
}

enum Seccomp {
  runtimeDefault @0;
  unconfined @1;
  localhost @2;        # seccompProfile
  unspecified @3;      # unconfined, as the CRI has it, where the ceiling lets that be; else the default
}

struct Resources {
  # 0 or empty: not set.
  cpuPeriod @0 :Int64;     # microseconds
  cpuQuota @1 :Int64;      # microseconds; -1: no limit
  cpuShares @2 :Int64;
  memoryLimit @3 :Int64;   # bytes
  oomScoreAdj @4 :Int64;
  cpusetCpus @5 :Text;
  cpusetMems @6 :Text;
  pidsLimit @7 :Int64;
  swapLimit @8 :Int64;     # bytes, memory and swap together
  hasOomScoreAdj @9 :Bool;
  hugepageLimits @10 :List(HugepageLimit);
  unified @11 :List(Common.KeyValue);  # cgroup v2 files

  struct HugepageLimit {
    size @0 :Text;         # as cgroupfs spells it: "2MB"
    limit @1 :UInt64;      # bytes
  }
}

struct Update {
  containerId @0 :Text;
  resources @1 :Resources;   # what is not set stays
}

struct Signal {
  containerId @0 :Text;
  signal @1 :UInt8;        # 1-64
  all @2 :Bool;            # every process of the container, not only its first
}

struct ExecSpec {
  containerId @0 :Text;
  args @1 :List(Data);
  timeoutMs @2 :UInt32;    # 0: none
  tty @3 :Bool;            # the exec's one descriptor is then a connected socket, over which the terminal is sent
  stdin @4 :Bool;          # a third descriptor, the first of the three
}

struct ExecEnd {
  union {
    exited @0 :Int32;      # exit code; 128 + signal
    timedOut @1 :Void;     # everything the exec started in its process group was killed, as when the caller hangs up
  }
}

struct PodInfo {
  id @0 :Text;
  shimUid @1 :UInt32;
  containers @2 :List(ContainerInfo);   # filled by `list` only
  cgroup @3 :Text;           # the pod's, parent of its containers'
}

struct ContainerInfo {
  id @0 :Text;
  podId @1 :Text;
  pid @2 :Int32;             # of its first process; 0 once it is gone
  state @3 :State;
  exit @4 :Exit;             # if exited; startedAt alone if running
  cgroup @5 :Text;           # "/kubepods/…": the container's own control group, beneath every hierarchy

  enum State {
    created @0;
    running @1;
    exited @2;
    lost @3;                 # its monitor died without a record: killed, code unknown
  }
}

struct Exit {
  code @0 :Int32;            # 0-255; 128 + signal
  startedAt @1 :Int64;       # nanoseconds, wall clock; 0: never started
  finishedAt @2 :Int64;
  oomKilled @3 :Bool;
}
