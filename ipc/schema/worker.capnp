# Between storaged's main and its zygote (requests), and from workers to main (results). Flat messages.
# main -> zygote over a SEQPACKET socketpair; worker -> main over the worker's own pipe, message by message.
@0xc8ac6e482b30f172;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";
using Image = import "image.capnp";
using Storage = import "storage.capnp";

struct WorkerRequest {
  # main -> zygote, one message per worker. Descriptors, always four, all ends of pipes: input (read end), output (write
  # end), result (write end; the worker answers with one WorkerResult), log (write end; the worker's stderr). A role
  # without input or output gets a pipe whose other end is closed. The zygote answers nothing; a worker that dies closes
  # its pipes.
  number @0 :UInt64;       # chosen by main, names the worker in `kill`
  union {
    unpack @1 :Text;       # layer name: staging/NAME must exist; tar from input
    erase @2 :Text;        # name of a directory in trash/: everything in it; main removes the empty directory
    measure @3 :Text;      # container id: counts bytes and inodes of its writable layer
    decompress @4 :Codec;  # input to output
    parse @5 :Void;        # input: one ParseInput; answers manifest or config
    kill @6 :Void;         # ends worker `number`; no descriptors
    verify @7 :Void;       # input: one VerifyInput; answers wanted or verdict
    lookup @8 :List(Text); # an image's layers, topmost first: its root is the worker's; input: one LookupInput
    compose @9 :Compose;   # makes one directory of several layers
    keep @10 :Text;        # layer name: staging/NAME must exist; input: one KeepInput, then the bytes of one file
  }

  struct Compose {
    into :union {
      tree @0 :Text;       # layer name: staging/NAME must exist
      container @1 :Text;  # container id: containers/ID must exist
    }
    onto @2 :Text;         # layer or tree that it begins as a snapshot of, where the driver has those; absent: empty
    layers @3 :List(Text); # applied to that, base first
  }

  enum Codec {
    none @0;
    gzip @1;
    zstd @2;
  }
}

struct ParseInput {
  # What one worker sees: so a config that takes its worker over changes nothing that a manifest says, nor the reverse.
  union {
    manifest @0 :Manifest;
    config @1 :Data;
    convert @2 :Convert;
  }

  struct Convert {
    # Docker's schema 1: its config is made of its history and of what its layers turned out to be.
    manifest @0 :Data;
    diffIds @1 :List(Text);  # of the layers that are not empty, base first
  }

  struct Manifest {
    index @0 :Data;  # empty if the reference led straight to a manifest
    manifest @1 :Data;
  }
}

struct VerifyInput {
  # A question about root's signature policy, which the verifier reads afresh. Paths are the host's, absolute.
  trusted @0 :Text;          # what the verifier's root directory is called on the host; all others lie beneath
  policy @1 :Text;           # the node's
  mayBeAbsent @2 :Bool;      # no such file: anything is accepted
  policies @3 :Text;         # a directory of policies named NAMESPACE.json
  namespace @4 :Text;        # of the pod; empty: the node's own policy
  union {
    wanted @5 :Text;            # a reference: which kinds of signatures could any policy here ask of it? Empty: of any
    judge @6 :List(Candidate);  # is one of these accepted?
  }

  struct Candidate {
    reference @0 :Text;
    digests @1 :List(Text);  # that the name leads to: of an index, of a manifest
    signatures @2 :List(Image.Signature);
  }
}

struct Wanted {
  kinds @0 :Image.SignatureKinds;
  anything @1 :Bool;  # neither kind, and accepted, whatever the reference is
}

struct Verdict {
  # Accepted; anything else is a refusal.
  scope @0 :Text;     # what in the policy accepted it: "default", "docker:quay.io/x"
  anything @1 :Bool;  # the policy accepts whatever it is asked
}

struct KeepInput {
  path @0 :Text;           # relative, of the file in the layer; an artifact's manifest names it
}

struct LookupInput {
  user @0 :Text;           # as Storaged.lookupUser is asked, and so is this
  memberships @1 :Bool;
}

struct WorkerResult {
  # Untrusted: the worker has read hostile bytes. Digests say what the documents claim; storaged's main
  # compares them with hashes of its own and with the documents' text.
  union {
    unpacked @0 :Counted;
    erased @1 :Void;
    measured @2 :Counted;
    decompressed @3 :Void;
    manifest @4 :ParsedManifest;
    config @5 :ParsedConfig;
    refused @6 :Common.Refusal;
    wanted @7 :Wanted;
    verdict @8 :Verdict;
    lookedUp @9 :Storage.User;
    composed @10 :Counted;  # bytes: those that are not shared with the layers
    converted @11 :Data;    # a config
  }

  struct Counted {
    bytes @0 :UInt64;    # allocated
    inodes @1 :UInt64;
    content @2 :UInt64;  # bytes of file data; only of what was unpacked
  }
}

struct ParsedManifest {
  indexEntries @0 :List(Text);        # digests the index lists
  configDigest @1 :Text;
  configSize @2 :UInt64;
  layers @3 :List(Layer);             # base first
  annotations @4 :List(Common.KeyValue);

  struct Layer {
    digest @0 :Text;
    size @1 :UInt64;
    codec @2 :WorkerRequest.Codec;
    file @3 :Text;                    # of an artifact: the path that these bytes become, uncompressed or not
  }
  artifact @5 :Bool;
  schema1 @6 :Bool;                   # Docker's: no config, and layers without sizes and diff ids
  payloadBytes @7 :UInt64;            # of schema 1, signed: its digest is of so many of its first bytes
  payloadTail @8 :Data;               # and of these; empty: of all of it
}

struct ParsedConfig {
  diffIds @0 :List(Text);             # base first
  config @1 :Storage.ImageConfig;
}
