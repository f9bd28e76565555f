// The index: what the store holds, in <store>/bulkhead.sqlite. Whatever it names is whole on disk; whatever
// it does not name is rubbish. Every change is one durable transaction (WAL, synchronous=FULL): when a call
// returns, it is on disk.
//
// Two connections: one that changes the file, in threads (index-writer.h), and a const one on the event loop
// that only reads and never waits for the other (WAL).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/ids.h"
#include "daemons/storaged/size.h"
#include "daemons/storaged/sqlite.h"

namespace bulkhead::storaged {

struct LayerRow {
  LayerName name;
  Digest diffId;
  Size size;               // unpacked; as a worker counted it: for display only
  bool elsewhere = false;  // in an additional store
};

using Annotations = std::vector<std::pair<std::string, std::string>>;

struct ImageRow {
  ImageId id;
  Digest manifestDigest;  // of the manifest that it was pulled by; the index keeps every one
  std::uint64_t documentBytes = 0;
  std::string user;      // of the config: what a list of images shows of it
  std::string config;    // one serialised schema::ImageConfig (flat words)
  std::string document;  // the config as it came
  Annotations annotations;
  bool artifact = false;
  bool elsewhere = false;               // an additional store's: it stays as long as that has it
  std::string repository;               // "host/path" that it was pulled from
  std::vector<std::string> signatures;  // that came with it: packed-signature.h
};

// What is known of a stored image under one of its names, for the signature policy.
struct TrustRow {
  std::string reference;             // "host/path:tag" or "host/path@sha256:…"
  std::vector<std::string> digests;  // every manifest and index that was seen to lead to the image
  std::vector<std::string> signatures;
};

// A stored image as it is shown. `tags` are "host/path:tag", `digests` "host/path@sha256:…"; there is at
// least one digest.
struct ImageView {
  ImageId id;
  std::string user;
  std::string config;      // empty in a list
  std::uint64_t size = 0;  // files of all layers, and documents
  std::vector<std::string> tags;
  std::vector<std::string> digests;
  Annotations annotations;  // of the manifest that it was pulled by last
  bool artifact = false;
};

struct ContainerRow {
  ContainerId id;
  ImageId image;
  std::set<ImageId> volumes;  // images that it mounts
  // For the file system's quotas; no two containers have the same. Given by the index.
  std::uint32_t project = 0;
};

// One directory that an image's layers were composed into, for drivers that make snapshots of it.
struct TreeRow {
  ImageId image;
  LayerName name;  // in layers/
  Size size;       // what it does not share with the layers
};

class Index {
 public:
  // Opens; to write also creates or migrates. Throws DatabaseError; std::runtime_error if a newer Bulkhead
  // wrote the file.
  enum class Access { write, read };
  explicit Index(const std::string& path, Access access = Access::write);
  // Whether the file has this version's tables; to be asked of one that another Bulkhead wrote.
  bool isCurrent() const { return version() == schemaVersion; }

  // Layers.
  std::optional<LayerName> layerOf(const Digest& diffId) const;
  // In this store, with the trees.
  std::vector<LayerName> layers() const;
  std::vector<LayerName> layersElsewhere() const;
  bool isElsewhere(const LayerName& layer) const;
  // Layers that no image and no container needs, and trees that no image does.
  std::vector<LayerName> unreferencedLayers() const;
  void forgetLayers(const std::vector<LayerName>& names);
  // Those of `names` that are still unreferenced; answers which were forgotten.
  std::vector<LayerName> forgetUnreferenced(const std::vector<LayerName>& names);

  // Images. `layers` base first, by diff id; those the index does not hold yet must be among `fresh`. Of two
  // fresh layers with one diff id the first ever committed stays. `names` are moved from wherever they
  // pointed. Refuses failedPrecondition if the index holds that id with another config or other diff ids:
  // nothing but a parse worker that lies, now or then, gives one config two meanings. (So ImageConfig in
  // storage.capnp grows only together with this schema's version.) Signatures, if any came, replace those of
  // the same image and repository.
  Outcome<void> commitImage(const ImageRow& image, const std::vector<LayerRow>& fresh,
                            const std::vector<Digest>& layers, const std::vector<std::string>& names);
  std::optional<ImageView> image(const ImageId& id) const;
  std::vector<ImageView> images() const;
  // The config as it came; empty if there is no such image.
  std::string document(const ImageId& id) const;
  std::optional<ImageId> imageNamed(const std::string& name) const;
  // By a digest that the image was not pulled by: a manifest of an index, in the same repository.
  std::optional<ImageId> imageWithManifest(const Digest& manifest, const std::string& repository) const;
  // In place of what was known of the image in that repository; none leaves it as it is.
  void recordSignatures(const ImageId& image, const std::string& repository,
                        const std::vector<std::string>& signatures);
  // One for each name; none if there is no such image.
  std::vector<TrustRow> trustOf(const ImageId& id) const;
  // The image and its names. Absent is ok; refuses failedPrecondition, naming a container that is on it, and
  // for what is elsewhere.
  Outcome<void> removeImage(const ImageId& id);
  // The same whatever is on it: layers of a container's image stay referenced.
  void forgetImage(const ImageId& id);
  std::vector<ImageId> imagesElsewhere() const;
  bool isElsewhere(const ImageId& image) const;
  // Of an image, base first; nothing if one of them is lost.
  std::optional<std::vector<LayerRow>> layerRowsOf(const ImageId& image) const;
  std::vector<Digest> manifestsOf(const ImageId& image) const;
  // Images that need this layer.
  std::vector<ImageId> imagesOn(const LayerName& layer) const;
  // Of what is in this store.
  Size layersTotal() const;

  // Trees. One that the image has already stays.
  void addTree(const TreeRow& tree);
  std::optional<LayerName> treeOf(const ImageId& image) const;

  // Containers.
  // Refuses notFound (no such image), alreadyExists (it is on another image), failedPrecondition (on an
  // artifact).
  Outcome<void> mayAdd(const ContainerRow& container) const;
  // What may be added; existing is ok.
  void addContainer(const ContainerRow& container);
  std::optional<ContainerRow> container(const ContainerId& id) const;
  std::vector<ContainerRow> containers() const;
  void removeContainer(const ContainerId& id);
  // One that is on it or mounts it.
  std::optional<ContainerId> containerOn(const ImageId& id) const;
  // The layers of an image that is there or that a container uses, topmost first, each once. Nothing if one
  // of them is lost.
  std::optional<std::vector<LayerName>> layersOf(const ImageId& image) const;

 private:
  std::set<ImageId> volumesOf(const ContainerId& id) const;
  ImageView viewOf(const Statement& row) const;
  static constexpr std::int64_t schemaVersion = 3;
  std::int64_t version() const;
  void prepare();
  void annotate(const ImageRow& image);
  std::vector<std::string> signaturesOf(const ImageId& id, const std::string& repository) const;
  bool agreesWith(const ImageRow& image, const std::vector<Digest>& layers) const;
  mutable Database database_;
};

}  // namespace bulkhead::storaged
