# Served by netns-helper to netd's main over their SEQPACKET socketpair: ids and verbs only.
@0xb676a0c2e751aaf7;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";

struct NetnsRequest {
  podId @0 :Text;
  union {
    make @1 :Void;    # a new network namespace with lo up, pinned as netns/POD-ID; existing is ok
    remove @2 :Void;  # absent is ok
    list @3 :Void;
    watch @4 :Void;   # a route netlink socket of the pod's namespace, by which its counters can be read, comes with
                      # the answer; the namespace lives as long as it is open
    forward :group {  # the descriptor that comes along is joined to a port of the pod's loopback interface, or of the
      port @5 :UInt16;   # node's, by a child; the answer does not wait for the port's
      ofNode @6 :Bool;
    }
  }
}

struct NetnsReply {
  union {
    done @0 :Void;
    pods @1 :List(Text);
    refused @2 :Common.Refusal;
  }
}
