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
}

struct PodNetwork {
  podId @0 :Text;
  name @1 :Text;       # metadata; become K8S_POD_* in CNI_ARGS
  namespace @2 :Text;
  uid @3 :Text;
  portMappings @4 :List(PortMapping);
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
