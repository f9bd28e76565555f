# Between imaged's main and the processes that its fetch zygote makes for it: flat messages over a socketpair, one
# process per request. The request travels on the process's own socket: the zygote never sees a credential.
@0xce9af0ea3ddf2f5e;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";
using Config = import "config.capnp";
using Image = import "image.capnp";

struct Spawn {
  # main -> fetch zygote, with two descriptors: the process's end of a fresh SEQPACKET socketpair, and the read end of
  # its leash: hung up, the process is killed. No answer.
  # zygote -> main, once, without a descriptor, as soon as it is confined: ready.
  kind @0 :Kind;

  enum Kind {
    fetcher @0;   # talks to registries
    planner @1;   # reads root's files, has no network
  }
}

struct PlanRequest {
  # main -> planner.
  union {
    plan @0 :Wanted;
    credentials @1 :Lookup;
  }

  struct Wanted {
    reference @0 :Text;                    # as the user wrote it
    registries @1 :List(Config.Registry);  # of bulkhead.toml: read before registries.conf
  }

  struct Lookup {
    namespace @0 :Text;        # the pod's; empty: its auth files are not looked at
    image @1 :Text;            # host/path of the image, which names the namespace's file
    places @2 :List(Text);     # host/path of each source
  }
}

struct PlanReply {
  # planner -> main, which believes the plan: it comes from root's files alone. Of credentials it believes nothing but
  # that they may go to the place they were asked for: a namespace's auth file is a tenant's.
  union {
    plan @0 :Plan;
    credentials @1 :List(Image.Auth);  # one per place; empty where no file names it
    refused @2 :Common.Refusal;
  }
}

struct Plan {
  candidates @0 :List(Candidate);  # what a short name may mean, in order; a full name is its only one
  places @1 :List(Place);          # of the whole configuration: where redirects and token servers may be

  struct Candidate {
    reference @0 :Text;          # full
    sources @1 :List(Source);    # in the order they are to be asked
    blocked @2 :Text;            # why there are none
  }
}

struct Source {
  # One place that may have the image.
  host @0 :Text;           # where to connect, "host[:port]"
  repository @1 :Text;     # path of the image there
  insecure @2 :Bool;       # plain HTTP is allowed (after https fails to be spoken), certificates are not verified
  listed @3 :Bool;         # named in the configuration: loopback and link-local addresses are allowed
  mirror @4 :Bool;
  authorities @5 :Data;    # certs.d: more trust anchors (PEM)
  certificate @6 :Data;    # certs.d: the client's certificate and key (PEM); empty: none
  key @7 :Data;
  signatures @8 :SignatureStores;
}

struct SignatureStores {
  # Where registries.d says that the signatures of a source's images are.
  lookaside @0 :Text;         # URL of the store, without the image's path; empty: none
  attachments @1 :Bool;       # beside the image, by tag; true unless it says no
}

struct Place {
  # A host that the configuration names as a whole.
  host @0 :Text;
  insecure @1 :Bool;
  listed @2 :Bool;
  authorities @3 :Data;
}

struct FetchRequest {
  # main -> fetcher. `blob` comes with one descriptor: the pipe to write to.
  reference @0 :Text;
  auth @1 :Image.Auth;          # of the request, for the host that it is meant for
  sources @2 :List(Access);     # tried in this order
  places @3 :List(Place);
  proxies @4 :Config.Proxies;
  union {
    resolve @5 :Image.Platform;
    blob @6 :Blob;
  }
  signatures @7 :Image.SignatureKinds;  # that are to come with the documents

  struct Access {
    source @0 :Source;
    credential @1 :Image.Auth;  # from an auth file, for this source
    token @2 :Text;             # a bearer token that an earlier fetcher got with the same credential; may be empty
  }

  struct Blob {
    digest @0 :Text;
    size @1 :UInt64;
  }
}

struct FetchReply {
  # fetcher -> main. Documents travel as a body in a sealed memfd when large (ipc/packet.h).
  union {
    documents @0 :Image.Documents;
    fetched @1 :Image.Fetched;
    refused @2 :Common.Refusal;
  }
  tokens @3 :List(Token);

  struct Token {
    # A bearer token that a token server issued.
    source @0 :UInt32;     # index in FetchRequest.sources
    token @1 :Text;
    seconds @2 :UInt32;    # that it lives from now on
  }
}
