# Served by bulkhead-netd (main) to bulkhead-cri, over stream sockets with Cap'n Proto RPC.
@0x8313813153ef6a9f;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";

interface Netd {
  attach @0 (pod :PodNetwork) -> (result :Common.Result(Attachment));
  # Makes and pins the pod's network namespace, writes "DEL owed" durably, runs CNI ADD. Idempotent by pod id: a
  # repeated attach answers what the first one did. On failure the DEL is owed and paid in the background.
  detach @1 (podId :Text) -> (result :Common.Result(Common.Nothing));
  # CNI DEL, then the namespace. Absent is ok. A DEL that fails stays owed, is retried, and is not an error here once
  # it is on disk.
  list @2 () -> (pods :List(PodAttachment));
  status @3 () -> (ready :Bool, reason :Text, message :Text);
  counters @4 (podIds :List(Text)) -> (pods :List(PodCounters));
  # What the interfaces of these pods have moved; a pod that has no network here is left out.
  forward @5 (podId :Text, port :UInt16, ofNode :Bool, connection :Common.File) -> (result :Common.Result(Common.Nothing));
  # Joins `connection`, a connected AF_UNIX stream socket, to a TCP port of the pod's loopback interface; with `ofNode`
  # to one of the node's, as the ceiling permits. Ok says that somebody tries: the first byte that comes is 0 if the port
  # answered, else errno, and the port's bytes follow.
}

struct PodNetwork {
  podId @0 :Text;
  name @1 :Text;       # metadata; become K8S_POD_* in CNI_ARGS
  namespace @2 :Text;
  uid @3 :Text;
  portMappings @4 :List(PortMapping);
  annotations @5 :List(Common.KeyValue);  # the pod's, for plugins that ask for them
  cgroupPath @6 :Text;                     # the pod's, for plugins that ask for it
  dns @7 :Dns;                             # likewise
  ingressRate @8 :UInt64;                  # bits per second; 0: no limit (kubernetes.io/ingress-bandwidth)
  egressRate @9 :UInt64;

  struct Dns {
    servers @0 :List(Text);
    searches @1 :List(Text);
    options @2 :List(Text);
  }
}

struct PodCounters {
  podId @0 :Text;
  interfaces @1 :List(Interface);  # without lo

  struct Interface {
    name @0 :Text;
    receivedBytes @1 :UInt64;
    receivedErrors @2 :UInt64;
    sentBytes @3 :UInt64;
    sentErrors @4 :UInt64;
    receivedPackets @5 :UInt64;
    receivedDropped @6 :UInt64;
    sentPackets @7 :UInt64;
    sentDropped @8 :UInt64;
  }
}

struct PortMapping {
  protocol @0 :Protocol;
  containerPort @1 :UInt16;
  hostPort @2 :UInt16;
  hostIp @3 :Text;

  enum Protocol {
    tcp @0;
    udp @1;
    sctp @2;
  }
}

struct Attachment {
  addresses @0 :List(Text);  # without prefix length, the pod's primary first
  netnsPath @1 :Text;        # the pin; for people (`inspectp`) and agents
}

struct PodAttachment {
  podId @0 :Text;
  attachment @1 :Attachment;
}
