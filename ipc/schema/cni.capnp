# Served by cni-runner to netd's main over their SEQPACKET socketpair: one message per plugin run.
@0x8b74fa87a5c2b1be;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";

struct PluginRun {
  # Descriptors, always four: the plugin's stdin (its configuration), stdout, stderr, and the SEQPACKET socket on
  # which the run's own process answers with one PluginEnd.
  plugin @0 :Text;      # a plain name; looked for in the configured, root-owned directories
  command @1 :Command;
  podId @2 :Text;       # names the pinned namespace; the runner builds CNI_NETNS. Empty for version, status and gc
  interface @3 :Text;
  podName @4 :Text;     # these three become CNI_ARGS
  podNamespace @5 :Text;
  podUid @6 :Text;
  timeoutMs @7 :UInt32;

  enum Command {
    add @0;
    del @1;
    check @2;
    version @3;
    status @4;
    gc @5;
  }
}

struct PluginEnd {
  union {
    exited @0 :Int32;     # exit code; 128 + signal
    timedOut @1 :Void;    # the whole process group was killed
    refused @2 :Common.Refusal;
  }
}
