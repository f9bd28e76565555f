# Between storaged's main and its zygote (requests), and from workers to main (results). Flat messages.
# main -> zygote over a SEQPACKET socketpair; worker -> main over the worker's own pipe, message by message.
@0xc8ac6e482b30f172;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";
using Image = import "image.capnp";
using Storage = import "storage.capnp";

struct WorkerRequest {
  # main -> zygote, one message per worker. Descriptors, always three: input (read end), output (write end), result
  # (write end of a pipe on which the worker answers with one WorkerResult). A role without input or output gets
  # /dev/null there. The zygote answers nothing; a worker that dies closes its pipes.
  number @0 :UInt64;       # chosen by main, names the worker in `kill`
  union {
    unpack @1 :Text;       # layer name: staging/NAME/diff must exist; tar from input
    erase @2 :Text;        # name of a directory in trash/: everything in it; main removes the empty directory
    measure @3 :Text;      # container id: counts bytes and inodes of its writable layer
    decompress @4 :Codec;  # input to output
    parse @5 :Void;        # input: one ParseInput; answers WorkerResult.parsed
    kill @6 :Void;         # ends worker `number`; no descriptors
  }

  enum Codec {
    none @0;
    gzip @1;
    zstd @2;
  }
}

struct ParseInput {
  documents @0 :Image.Documents;
}

struct WorkerResult {
  # Untrusted: the worker has read hostile bytes. Digests in `parsed` say what the documents claim; storaged's main
  # compares them with hashes of its own and with the documents' text.
  union {
    unpacked @0 :Counted;
    erased @1 :Void;
    measured @2 :Counted;
    decompressed @3 :Void;
    parsed @4 :ParsedImage;
    refused @5 :Common.Refusal;
  }

  struct Counted {
    bytes @0 :UInt64;
    inodes @1 :UInt64;
  }
}

struct ParsedImage {
  indexEntries @0 :List(Text);        # digests the index lists
  configDigest @1 :Text;
  configSize @2 :UInt64;
  layers @3 :List(Layer);             # manifest order, base first; as many as the config has diff ids
  config @4 :Storage.ImageConfig;

  struct Layer {
    digest @0 :Text;
    size @1 :UInt64;
    diffId @2 :Text;
    codec @3 :WorkerRequest.Codec;
  }
}
