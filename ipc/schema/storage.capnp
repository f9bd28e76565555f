# Served by bulkhead-storaged (main) to bulkhead-cri, over stream sockets with Cap'n Proto RPC.
# storaged believes nothing it has not hashed itself; ids and references are parsed again here.
@0xafb4d1d3e2909275;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";
using Image = import "image.capnp";

interface Storaged {
  beginImage @0 (reference :Text, documents :Image.Documents, namespace :Text) -> (result :Common.Result(Begun));
  # Parses the documents in a worker, checks the chain digest by digest (reference -> index -> manifest -> config) and
  # the config's diff ids against the manifest's layers. Refusals: invalidArgument with the field ("manifest.layers[3]
  # .digest"), failedPrecondition (a digest that does not match), permissionDenied ("SignatureValidationFailed: …": the
  # signature policy of the pod's `namespace`, or the node's if that is empty or has none, does not accept it).

  imageStatus @1 (name :Text, verbose :Bool) -> (image :ImageStatus);
  # `name` is a reference, "sha256:…" or a bare image id. The document comes only if `verbose`.
  listImages @2 () -> (images :List(StoredImage));
  removeImage @3 (name :Text) -> (result :Common.Result(Common.Nothing));
  # Removes the image and all its names. Absent is ok. In use by a writable layer: failedPrecondition, naming its
  # container.
  usage @4 () -> (usage :Usage);
  listPulls @5 () -> (pulls :List(PullProgress));

  createLayer @6 (containerId :Text, imageId :Text, namespace :Text, asked :Text, volumes :List(VolumeImage))
      -> (result :Common.Result(Common.Nothing));
  # A writable layer for a container, on the image's layers. Idempotent for the same pair; alreadyExists for another
  # image. permissionDenied as for beginImage: the policy of today, for the name that the user `asked` for if it is one
  # of the image's, else for any of its names.
  removeLayer @7 (containerId :Text) -> (result :Common.Result(Common.Nothing));
  # Absent is ok. Space is given back in the background.
  listLayers @8 () -> (layers :List(WritableLayer));

  signaturesWanted @9 (reference :Text, namespace :Text) -> (result :Common.Result(Image.SignatureKinds));
  # What resolve should bring along, so that beginImage can judge; `reference` is empty where only resolve will tell
  # what a short name means. Refuses what the policy rejects whatever its signatures: permissionDenied, as above.

  lookupUser @10 (imageId :Text, user :Text, memberships :Bool) -> (result :Common.Result(User));
  # Whom `user` ("", "USER", "USER:GROUP"; base/user-spec.h) means inside that image, and with `memberships` the groups
  # that its /etc/group gives that user. A worker reads the files; the answer is remembered as long as the image is.
  # Refusals: invalidArgument (no such name, a number out of range, a file that is none), resourceExhausted (a file over
  # 1 MiB), notFound (no such image).

  layerUsage @11 () -> (usage :LayerUsage);
  # What each container wrote, as last counted; counted anew in the background when that is ten seconds old. A container
  # that was never counted is left out.
}

struct Begun {
  imageId @0 :Text;
  missing @1 :List(MissingLayer);
  intake @2 :Intake;
}

struct MissingLayer {
  index @0 :UInt32;   # the argument of Intake.layerPipe
  digest @1 :Text;    # of the compressed bytes, from the verified manifest
  size @2 :UInt64;    # 0: nobody knows (schema 1); it ends where it ends
}

interface Intake {
  # One image on its way in. Dropped without commit: everything staged is thrown away.
  layerPipe @0 (index :UInt32) -> (result :Common.Result(LayerPipe));
  # Once per layer. Answered when it is that layer's turn (a few are unpacked at once, of one image and of all), or when
  # another image's intake, which misses the same layer, has brought it. Refused once another layer has failed.
  commit @1 () -> (result :Common.Result(StoredImage));
  # Waits until every missing layer has arrived, been hashed, unpacked and synced, then makes the image exist in one
  # commit. Dropped while layers still arrive, it gives up. Refusals: failedPrecondition (digest or diff id mismatch, named), invalidArgument (a hostile archive),
  # unavailable (a layer's pipe ended early), resourceExhausted (limits, disk full).
}

struct LayerPipe {
  union {
    sink @0 :Common.File;  # the write end of a pipe for the layer's compressed bytes; close it at the end
    arrived @1 :Void;      # the layer is here: nothing is to be fetched
  }
}

struct StoredImage {
  id @0 :Text;                      # 64 digits
  repoTags @1 :List(Text);
  repoDigests @2 :List(Text);
  size @3 :UInt64;                  # bytes of the files of all its layers, and of its documents
  config @4 :ImageConfig;
  annotations @5 :List(Common.KeyValue);  # of its manifest: its author's words, UTF-8, for display only
  document @6 :Data;                # the config as it was pulled: JSON, UTF-8, else empty
  artifact @7 :Bool;                # no container is made of it; it is mounted as a volume
}

struct ImageStatus {
  union {
    absent @0 :Void;
    present @1 :StoredImage;
  }
}

struct ImageConfig {
  # OCI image-spec, config.md, as a parse worker read it: content of the image, never trusted further than the image.
  user @0 :Text;
  env @1 :List(Data);
  entrypoint @2 :List(Text);
  command @3 :List(Text);
  workingDirectory @4 :Text;
  stopSignal @5 :Text;
  volumes @6 :List(Text);
  labels @7 :List(Common.KeyValue);
}

struct User {
  uid @0 :UInt32;
  gid @1 :UInt32;
  groups @2 :List(UInt32);    # of /etc/group, without gid unless it is listed there
}

struct VolumeImage {
  # An image that a container mounts as a volume: not removed, and its layers kept, until removeLayer.
  imageId @0 :Text;
  asked @1 :Text;   # as for createLayer
}

struct WritableLayer {
  containerId @0 :Text;
  imageId @1 :Text;
}

struct Usage {
  # As du counts: allocated blocks, directories included, a file with several names once.
  timestamp @0 :Int64;        # nanoseconds, wall clock
  mountpoint @1 :Text;        # the store's directory
  # Images: everything in the store's layers. Containers: what they wrote, as last counted.
  imageBytes @2 :UInt64;
  imageInodes @3 :UInt64;
  containerBytes @4 :UInt64;
  containerInodes @5 :UInt64;
}

struct LayerUsage {
  mountpoint @0 :Text;        # the store's directory
  layers @1 :List(Layer);
  totalBytes @2 :UInt64;      # of the file system that the store is on
  totalInodes @3 :UInt64;     # 0: it has no fixed number
  freeInodes @4 :UInt64;

  struct Layer {
    containerId @0 :Text;
    timestamp @1 :Int64;      # of the count: nanoseconds, wall clock
    bytes @2 :UInt64;         # as in Usage
    inodes @3 :UInt64;
  }
}

struct PullProgress {
  reference @0 :Text;
  layersDone @1 :UInt32;
  layersTotal @2 :UInt32;
  bytesDone @3 :UInt64;   # compressed bytes received
  bytesTotal @4 :UInt64;
  startedAt @5 :Int64;    # nanoseconds, wall clock
}
