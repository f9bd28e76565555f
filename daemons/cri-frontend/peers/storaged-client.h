// StoragedClient: the image and layer store, as cri sees it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/base/image-ref.h"
#include "daemons/cri-frontend/peers/calling.h"
#include "daemons/cri-frontend/peers/imaged-client.h"
#include "ipc/rpc.h"
#include "ipc/schema/storage.capnp.h"

namespace bulkhead::cri {

// An image in the store. What its config says is the image author's word: checked where it is used.
struct StoredImage {
  ImageId id;
  std::vector<std::string> repoTags;
  std::vector<std::string> repoDigests;
  uint64_t size = 0;  // bytes
  std::vector<std::pair<std::string, std::string>> annotations;
  std::string user;
  std::vector<std::string> env;  // "NAME=value"
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::string workingDirectory;
  std::string stopSignal;
  std::vector<std::string> volumes;  // paths, as the image has them
  std::string document;              // the config as it came, JSON; only if asked for
};

// Whom an image's files mean by a user.
struct ImageUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  // of its /etc/group
};

// An image that a container mounts, and the name by which that was asked.
struct VolumeImage {
  ImageId id;
  std::string asked;
};

// An image on its way in. Dropping it throws away what was staged.
struct Begun {
  struct Layer {
    uint32_t index;
    Digest digest;
    uint64_t size;  // compressed bytes
  };
  std::vector<Layer> missing;
  schema::Intake::Client intake;
};

struct StorageUsage {
  int64_t timestamp = 0;
  std::string mountpoint;
  uint64_t imageBytes = 0;
  uint64_t imageInodes = 0;
  uint64_t containerBytes = 0;
  uint64_t containerInodes = 0;
};

// What one container wrote, when that was last counted.
struct LayerUsage {
  int64_t timestamp = 0;  // nanoseconds since the epoch
  uint64_t bytes = 0;
  uint64_t inodes = 0;
};
struct LayersUsage {
  std::string mountpoint;
  std::map<ContainerId, LayerUsage> layers;  // those that were counted
  uint64_t totalBytes = 0;                   // of the file system
  uint64_t totalInodes = 0;                  // 0: no fixed number
  uint64_t freeInodes = 0;
};

struct PullProgress {
  std::string reference;
  uint32_t layersDone = 0;
  uint32_t layersTotal = 0;
  uint64_t bytesDone = 0;
  uint64_t bytesTotal = 0;
  int64_t startedAt = 0;
};

class StoragedClient {
 public:
  StoragedClient(kj::LowLevelAsyncIoProvider& io, kj::Timer& timer, std::string socket);

  // What the signature policy of that namespace could ask of an image. No name: of any image.
  Answer<SignatureKinds> signaturesWanted(const std::optional<ImageReference>& reference,
                                          const std::string& podNamespace);
  Answer<Begun> beginImage(const ImageReference& reference, Documents documents,
                           const std::string& podNamespace);
  // Nothing if the layer has arrived with another image.
  Answer<std::optional<Fd>> layerPipe(schema::Intake::Client intake, uint32_t index);
  Answer<StoredImage> commit(schema::Intake::Client intake);

  // `name` as translate/image-name.h gives it. Nothing if there is no such image.
  enum class Detail { usual, verbose };
  Answer<std::optional<StoredImage>> imageStatus(const std::string& name, Detail detail = Detail::usual);
  Answer<std::vector<StoredImage>> listImages();
  Answer<void> removeImage(const std::string& name);
  Answer<StorageUsage> usage();
  Answer<LayersUsage> layerUsage();
  Answer<std::vector<PullProgress>> listPulls();

  // Whom `user` (base/user-spec.h) means in that image; with `memberships` its groups too.
  Answer<ImageUser> lookupUser(const ImageId& image, const std::string& user, bool memberships);

  // `asked`: the name by which the user means that image, for the signature policy of the namespace.
  Answer<void> createLayer(const ContainerId& container, const ImageId& image, const std::string& asked,
                           const std::string& podNamespace, const std::vector<VolumeImage>& volumes);
  Answer<void> removeLayer(const ContainerId& container);
  // Containers that have a writable layer.
  Answer<std::vector<ContainerId>> listLayers();

 private:
  kj::Timer& timer_;
  ipc::RpcPeer peer_;
};

}  // namespace bulkhead::cri
