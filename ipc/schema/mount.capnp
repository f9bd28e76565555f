# The one extra edge: served by bulkhead-mounter to bulkhead-launcher, flat messages over SEQPACKET. And the question
# that the mounter asks storaged's main over their socketpair. Ids in; paths are built by the mounter alone.
@0x96bac6b0aac0ece5;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";

struct MountRequest {
  # launcher -> mounter: the root file system of this container, please.
  containerId @0 :Text;
  readOnly @1 :Bool;
}

struct MountReply {
  # mounter -> launcher. `mounted` comes with one descriptor: a detached mount, as of fsmount(2).
  union {
    mounted @0 :Void;
    refused @1 :Common.Refusal;
  }
}

struct LayersQuestion {
  # mounter -> storaged main.
  containerId @0 :Text;
  number @1 :UInt64;        # comes back in the answer: one that comes too late is known by it
}

struct LayersAnswer {
  # storaged main -> mounter.
  union {
    layers @0 :List(Text);  # layer names, topmost first; at most 127
    refused @1 :Common.Refusal;
  }
  number @2 :UInt64;
}
