# The one extra edge: served by bulkhead-mounter to bulkhead-launcher, flat messages over SEQPACKET. And the question
# that the mounter asks storaged's main over their socketpair. Ids in; paths are built by the mounter alone.
@0x96bac6b0aac0ece5;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";

struct MountRequest {
  # launcher -> mounter: something to mount for this container, please.
  containerId @0 :Text;
  readOnly @1 :Bool;       # the root alone
  union {
    root @2 :Void;         # its root file system
    image @3 :ImageVolume;
    volume @4 :UInt16;     # its anonymous volume of this number, made if it is absent; removed with the container
  }
  userNamespace @5 :Bool;  # of a root; with one descriptor: files belong to whom that user namespace maps their owners to
}

struct ImageVolume {
  # The root of another image, which storaged has recorded for this container (Storaged.createLayer), or what is at
  # `subPath` in it, a directory or a regular file. Read-only, nosuid, nodev, noexec.
  imageId @0 :Text;
  subPath @1 :Text;        # empty: all of it; links in it are followed inside the image
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
  imageId @2 :Text;         # empty: the container's own; else one that is recorded as its volume
  number @1 :UInt64;        # comes back in the answer: one that comes too late is known by it
}

struct LayersAnswer {
  # storaged main -> mounter.
  union {
    layers @0 :List(Text);  # layer names, topmost first; at most 127
    refused @1 :Common.Refusal;
    composed @3 :Void;      # the root is a directory of the container's own
  }
  number @2 :UInt64;
  project @4 :UInt32;       # whose quota counts the writable layer, where the file system has such; 0: none
}

struct DriversFound {
  # A mounter that was started to probe -> storaged main, once. Empty: it works on the store's file system; else what
  # did not.
  overlay @0 :Text;
  btrfs @1 :Text;
}
