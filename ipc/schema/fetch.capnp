# Between imaged's main and its fetchers: flat messages over a socketpair, one fetcher per operation.
# The request travels on the fetcher's own socket: the zygote that forked it never sees a credential.
@0xce9af0ea3ddf2f5e;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";
using Image = import "image.capnp";

struct Spawn {}
# main -> fetch zygote, with two descriptors: the fetcher's end of a fresh SEQPACKET socketpair, and the read end of
# its leash: hung up, the fetcher is killed. No answer.
# zygote -> main, once, without a descriptor, as soon as it is confined: ready.

struct FetchRequest {
  # main -> fetcher. `blob` comes with one descriptor: the pipe to write to.
  reference @0 :Text;
  auth @1 :Image.Auth;
  registry @2 :RegistryAccess;
  union {
    resolve @3 :Image.Platform;
    blob @4 :Blob;
  }

  struct Blob {
    digest @0 :Text;
    size @1 :UInt64;
  }
}

struct RegistryAccess {
  # What root's configuration says of the reference's registry.
  host @0 :Text;        # where to connect, "host[:port]"
  plainHttp @1 :Bool;   # http:// is allowed (and tried after https fails to be spoken)
  skipVerify @2 :Bool;  # TLS certificates are not verified
  listed @3 :Bool;      # named in the configuration: loopback and link-local addresses are allowed
  repository @4 :Text;  # path of the image there: the reference's, unless the configuration moved it
}

struct FetchReply {
  # fetcher -> main. Documents travel as a body in a sealed memfd when large (ipc/packet.h).
  union {
    documents @0 :Image.Documents;
    fetched @1 :Image.Fetched;
    refused @2 :Common.Refusal;
  }
}
