// The index: what the store holds, in <store>/bulkhead.sqlite. Whatever it names is whole on disk; whatever
// it does not name is rubbish. Every change is one durable transaction (WAL, synchronous=FULL): when a call
// returns, it is on disk.
//
// Calls are short (a few rows and one small fsync), so they are made on the event loop; the long part of a
// commit, the syncfs of a whole image, comes before and elsewhere (store.h).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/ids.h"
#include "daemons/storaged/sqlite.h"

namespace bulkhead::storaged {

struct Size {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
  Size& operator+=(const Size& other);
  bool operator==(const Size&) const = default;
};

struct LayerRow {
  LayerName name;
  Digest diffId;
  Size size;  // unpacked; as a worker counted it: for display only
};

struct ImageRow {
  ImageId id;
  Digest manifestDigest;  // of the manifest that it was pulled by; the index keeps every one
  std::uint64_t documentBytes = 0;
  std::string user;    // of the config: what a list of images shows of it
  std::string config;  // one serialised schema::ImageConfig (flat words)
};

// A stored image as it is shown. `tags` are "host/path:tag", `digests` "host/path@sha256:…"; there is at
// least one digest.
struct ImageView {
  ImageId id;
  std::string user;
  std::string config;      // empty in a list
  std::uint64_t size = 0;  // layers, unpacked, and documents
  std::vector<std::string> tags;
  std::vector<std::string> digests;
};

struct ContainerRow {
  ContainerId id;
  ImageId image;
  std::set<ImageId> volumes;  // images that it mounts
};

class Index {
 public:
  // Opens, creates or migrates. Throws DatabaseError; std::runtime_error if a newer Bulkhead wrote the file.
  explicit Index(const std::string& path);

  // Layers.
  std::optional<LayerName> layerOf(const Digest& diffId) const;
  std::vector<LayerName> layers() const;
  // Layers that no image and no container needs.
  std::vector<LayerName> unreferencedLayers() const;
  void forgetLayers(const std::vector<LayerName>& names);

  // Images. `layers` base first, by diff id; those the index does not hold yet must be among `fresh`. Of two
  // fresh layers with one diff id the first ever committed stays. `names` are moved from wherever they
  // pointed. Refuses failedPrecondition if the index holds that id with another config or other diff ids:
  // nothing but a parse worker that lies, now or then, gives one config two meanings. (So ImageConfig in
  // storage.capnp grows only together with this schema's version.)
  Outcome<void> commitImage(const ImageRow& image, const std::vector<LayerRow>& fresh,
                            const std::vector<Digest>& layers, const std::vector<std::string>& names);
  std::optional<ImageView> image(const ImageId& id) const;
  std::vector<ImageView> images() const;
  std::optional<ImageId> imageNamed(const std::string& name) const;
  // By a digest that the image was not pulled by: a manifest of an index, in the same repository.
  std::optional<ImageId> imageWithManifest(const Digest& manifest, const std::string& repository) const;
  // The image and its names; layers of a container's image stay referenced. Absent is ok.
  void removeImage(const ImageId& id);
  // Images that need this layer.
  std::vector<ImageId> imagesOn(const LayerName& layer) const;
  Size layersTotal() const;

  // Containers.
  void addContainer(const ContainerRow& container);
  std::optional<ContainerRow> container(const ContainerId& id) const;
  std::vector<ContainerRow> containers() const;
  void removeContainer(const ContainerId& id);
  // By a container that is on it or mounts it.
  bool imageInUse(const ImageId& id) const;
  // The layers of an image that is there or that a container uses, topmost first, each once. Nothing if one
  // of them is lost.
  std::optional<std::vector<LayerName>> layersOf(const ImageId& image) const;

 private:
  std::set<ImageId> volumesOf(const ContainerId& id) const;
  ImageView viewOf(const Statement& row) const;
  bool agreesWith(const ImageRow& image, const std::vector<Digest>& layers) const;
  mutable Database database_;
};

}  // namespace bulkhead::storaged
