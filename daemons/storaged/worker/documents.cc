#include "daemons/storaged/worker/documents.h"

#include <algorithm>
#include <array>
#include <optional>

#include "daemons/storaged/worker/entry-name.h"
#include "daemons/storaged/worker/json.h"
#include "ipc/limits.h"

namespace bulkhead::worker {
namespace {

using nlohmann::json;

constexpr std::uint64_t schemaVersion = 2;
constexpr size_t mostIndexEntries = 1024;
constexpr std::array<std::string_view, 2> indexTypes{
    "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"};
constexpr std::array<std::string_view, 2> manifestTypes{
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"};
constexpr std::string_view dockerPrefix = "application/vnd.docker.";
constexpr std::array<std::string_view, 2> configTypes{"application/vnd.oci.image.config.v1+json",
                                                      "application/vnd.docker.container.image.v1+json"};

struct LayerType {
  std::string_view name;
  Codec codec;
};
// image-spec, media-types.md and layer.md. "nondistributable" and "foreign" ones come from the registry like
// any other: their `urls` are never looked at.
constexpr std::array<LayerType, 11> layerTypes{{
    {"application/vnd.oci.image.layer.v1.tar", Codec::none},
    {"application/vnd.oci.image.layer.v1.tar+gzip", Codec::gzip},
    {"application/vnd.oci.image.layer.v1.tar+zstd", Codec::zstd},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", Codec::none},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Codec::gzip},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Codec::zstd},
    {"application/vnd.docker.image.rootfs.diff.tar", Codec::none},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", Codec::gzip},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", Codec::zstd},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar", Codec::none},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Codec::gzip},
}};

std::optional<Codec> codecOf(std::string_view mediaType) {
  for (const LayerType& type : layerTypes) {
    if (type.name == mediaType) return type.codec;
  }
  return std::nullopt;
}

template <size_t count>
bool isOneOf(const std::array<std::string_view, count>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What every kind of document must and must not say.
template <size_t count>
Outcome<void> checkKind(const json& document, const std::string& path,
                        const std::array<std::string_view, count>& types,
                        std::initializer_list<const char*> foreignKeys) {
  auto version = numberAt(document, "schemaVersion", path);
  if (!version) return tl::unexpected(version.error());
  if (*version != schemaVersion) return invalid(path + ".schemaVersion", "is not 2");
  for (const char* key : foreignKeys) {
    if (document.contains(key))
      return invalid(path + "." + key, "does not belong into this kind of document");
  }
  auto type = textAt(document, "mediaType", path);
  if (!type) return tl::unexpected(type.error());
  if (!type->empty() && !isOneOf(types, *type))
    return invalid(path + ".mediaType", "names another kind of document");
  return {};
}

Outcome<Digest> digestAt(const json& object, const std::string& path) {
  auto text = textAt(object, "digest", path);
  if (!text) return tl::unexpected(text.error());
  return Digest::parse(*text, path + ".digest");
}

Outcome<std::vector<Digest>> parseIndex(std::string_view text) {
  std::vector<Digest> entries;
  auto index = parseObject(text, "index");
  if (!index) return tl::unexpected(index.error());
  auto kind = checkKind(*index, "index", indexTypes, {"layers", "config", "fsLayers", "history"});
  if (!kind) return tl::unexpected(kind.error());
  auto manifests = arrayAt(*index, "manifests", "index");
  if (!manifests) return tl::unexpected(manifests.error());
  if ((*manifests)->size() > mostIndexEntries) return invalid("index.manifests", "has too many entries");
  for (const json& entry : **manifests) {
    std::string path = "index.manifests[" + std::to_string(entries.size()) + "]";
    if (!entry.is_object()) return invalid(path, "is not an object");
    auto digest = digestAt(entry, path);
    if (!digest) return tl::unexpected(digest.error());
    entries.push_back(std::move(*digest));
  }
  return entries;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// A map of texts, as labels and annotations are.
Outcome<Pairs> pairsAt(const json& object, const char* key, const std::string& path) {
  Pairs pairs;
  if (find(object, key) == nullptr) return pairs;
  auto map = objectAt(object, key, path);
  if (!map) return tl::unexpected(map.error());
  std::string field = path + "." + key;
  for (const auto& [name, value] : (*map)->items()) {
    auto text = textAt(**map, name.c_str(), field);
    if (!text || name.find('\0') != name.npos) return invalid(field, "has a value that is not a text");
    pairs.emplace_back(name, std::move(*text));
  }
  return pairs;
}

struct Descriptor {
  std::string mediaType;
  Digest digest;
  std::uint64_t size;
  std::string title;  // image-spec, annotations.md, "org.opencontainers.image.title"
};

Outcome<std::string> titleAt(const json& object, const std::string& path) {
  if (find(object, "annotations") == nullptr) return std::string();
  auto annotations = objectAt(object, "annotations", path);
  if (!annotations) return tl::unexpected(annotations.error());
  return textAt(**annotations, "org.opencontainers.image.title", path + ".annotations");
}

Outcome<Descriptor> parseDescriptor(const json& value, const std::string& path) {
  if (!value.is_object()) return invalid(path, "is not an object");
  auto type = textAt(value, "mediaType", path);
  if (!type) return tl::unexpected(type.error());
  auto digest = digestAt(value, path);
  if (!digest) return tl::unexpected(digest.error());
  auto size = numberAt(value, "size", path);
  if (!size) return tl::unexpected(size.error());
  auto title = titleAt(value, path);
  if (!title) return tl::unexpected(title.error());
  return Descriptor{std::move(*type), std::move(*digest), *size, std::move(*title)};
}

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;
  Pairs annotations;
  bool artifact;
};

// A Docker manifest is always an image's, and a config without a type says nothing.
Outcome<bool> isArtifact(const json& document, const Descriptor& config) {
  if (isOneOf(configTypes, config.mediaType)) return false;
  auto type = textAt(document, "mediaType", "manifest");
  if (!type) return tl::unexpected(type.error());
  if (config.mediaType.empty() || type->starts_with(dockerPrefix))
    return invalid("manifest.config.mediaType", "is not a container image's");
  // What could be read as a config document must not be a manifest as well: an artifact's id is its
  // manifest's digest, an image's that of its config.
  if (document.contains("rootfs"))
    return invalid("manifest.rootfs", "does not belong into this kind of document");
  return true;
}

Outcome<Manifest> readManifest(std::string_view text) {
  auto document = parseObject(text, "manifest");
  if (!document) return tl::unexpected(document.error());
  auto kind = checkKind(*document, "manifest", manifestTypes, {"manifests", "fsLayers", "history"});
  if (!kind) return tl::unexpected(kind.error());
  auto configObject = objectAt(*document, "config", "manifest");
  if (!configObject) return tl::unexpected(configObject.error());
  auto config = parseDescriptor(**configObject, "manifest.config");
  if (!config) return tl::unexpected(config.error());
  auto artifact = isArtifact(*document, *config);
  if (!artifact) return tl::unexpected(artifact.error());
  auto list = arrayAt(*document, "layers", "manifest");
  if (!list) return tl::unexpected(list.error());
  if ((*list)->size() > limits::imageLayers) return invalid("manifest.layers", "has more than 127 layers");
  auto annotations = pairsAt(*document, "annotations", "manifest");
  if (!annotations) return tl::unexpected(annotations.error());
  Manifest manifest{std::move(*config), {}, std::move(*annotations), *artifact};
  for (const json& item : **list) {
    auto layer = parseDescriptor(item, "manifest.layers[" + std::to_string(manifest.layers.size()) + "]");
    if (!layer) return tl::unexpected(layer.error());
    manifest.layers.push_back(std::move(*layer));
  }
  return manifest;
}

Outcome<std::vector<Digest>> parseDiffIds(const json& config) {
  std::vector<Digest> ids;
  auto rootfs = objectAt(config, "rootfs", "config");
  if (!rootfs) return tl::unexpected(rootfs.error());
  auto type = textAt(**rootfs, "type", "config.rootfs");
  if (!type) return tl::unexpected(type.error());
  if (*type != "layers") return invalid("config.rootfs.type", "is not 'layers'");
  auto texts = textsAt(**rootfs, "diff_ids", "config.rootfs");
  if (!texts) return tl::unexpected(texts.error());
  if (texts->size() > limits::imageLayers)
    return invalid("config.rootfs.diff_ids", "has more than 127 entries");
  for (const std::string& text : *texts) {
    auto id = Digest::parse(text, "config.rootfs.diff_ids[" + std::to_string(ids.size()) + "]");
    if (!id) return tl::unexpected(id.error());
    ids.push_back(std::move(*id));
  }
  return ids;
}

Outcome<void> parseVolumes(const json& settings, ImageConfig& config) {
  if (find(settings, "Volumes") == nullptr) return {};
  auto volumes = objectAt(settings, "Volumes", "config.config");
  if (!volumes) return tl::unexpected(volumes.error());
  for (const auto& [path, nothing] : (*volumes)->items()) {
    if (path.find('\0') != path.npos) return invalid("config.config.Volumes", "has a NUL in it");
    config.volumes.push_back(path);
  }
  return {};
}

template <typename T>
bool take(Outcome<T> from, T& to, Refusal& refusal) {
  if (from) {
    to = std::move(*from);
  } else {
    refusal = from.error();
  }
  return from.has_value();
}

// image-spec, config.md, "config": everything in it is optional.
Outcome<ImageConfig> parseSettings(const json& document) {
  ImageConfig config;
  if (find(document, "config") == nullptr) return config;
  auto found = objectAt(document, "config", "config");
  if (!found) return tl::unexpected(found.error());
  const json& settings = **found;
  const std::string path = "config.config";
  Refusal refusal;
  bool whole = take(textAt(settings, "User", path), config.user, refusal) &&
               take(textsAt(settings, "Env", path), config.env, refusal) &&
               take(textsAt(settings, "Entrypoint", path), config.entrypoint, refusal) &&
               take(textsAt(settings, "Cmd", path), config.command, refusal) &&
               take(textAt(settings, "WorkingDir", path), config.workingDirectory, refusal) &&
               take(textAt(settings, "StopSignal", path), config.stopSignal, refusal);
  if (!whole) return tl::unexpected(refusal);
  if (auto done = parseVolumes(settings, config); !done) return tl::unexpected(done.error());
  auto labels = pairsAt(settings, "Labels", path);
  if (!labels) return tl::unexpected(labels.error());
  config.labels = std::move(*labels);
  return config;
}

Outcome<std::vector<ImageLayer>> layersOf(const std::vector<Descriptor>& descriptors) {
  std::vector<ImageLayer> layers;
  for (size_t i = 0; i < descriptors.size(); ++i) {
    auto codec = codecOf(descriptors[i].mediaType);
    if (!codec) return invalid("manifest.layers[" + std::to_string(i) + "].mediaType", "is not supported");
    layers.push_back({descriptors[i].digest, descriptors[i].size, *codec, {}});
  }
  return layers;
}

// The file that a blob becomes: its title, as far as that is a path beneath the root, or else its digest.
Outcome<std::string> fileOf(const Descriptor& blob, const std::string& path) {
  if (blob.title.empty()) return blob.digest.hex();
  auto name = EntryName::parse(blob.title);
  bool relative = blob.title.front() != '/' && blob.title.back() != '/';
  bool plain = name && !name->isRoot() && relative && kindOf(name->last()) == NameKind::file;
  if (!plain) return invalid(path + ".annotations", "has a title that is no path of a file");
  return name->parent() == "." ? name->last() : name->parent() + "/" + name->last();
}

Outcome<std::vector<ImageLayer>> filesOf(const std::vector<Descriptor>& descriptors) {
  std::vector<ImageLayer> files;
  for (const Descriptor& blob : descriptors) {
    auto file = fileOf(blob, "manifest.layers[" + std::to_string(files.size()) + "]");
    if (!file) return tl::unexpected(file.error());
    files.push_back({blob.digest, blob.size, Codec::none, std::move(*file)});
  }
  return files;
}

}  // namespace

Outcome<ImageManifest> parseManifest(std::string_view indexText, std::string_view manifestText) {
  std::vector<Digest> entries;
  if (!indexText.empty()) {
    auto index = parseIndex(indexText);
    if (!index) return tl::unexpected(index.error());
    entries = std::move(*index);
  }
  auto manifest = readManifest(manifestText);
  if (!manifest) return tl::unexpected(manifest.error());
  auto layers = manifest->artifact ? filesOf(manifest->layers) : layersOf(manifest->layers);
  if (!layers) return tl::unexpected(layers.error());
  return ImageManifest{std::move(entries), std::move(manifest->config.digest), manifest->config.size,
                       std::move(*layers), std::move(manifest->annotations),   manifest->artifact};
}

Outcome<ConfigDocument> parseConfig(std::string_view text) {
  auto document = parseObject(text, "config");
  if (!document) return tl::unexpected(document.error());
  auto diffIds = parseDiffIds(*document);
  if (!diffIds) return tl::unexpected(diffIds.error());
  auto config = parseSettings(*document);
  if (!config) return tl::unexpected(config.error());
  return ConfigDocument{std::move(*diffIds), std::move(*config)};
}

}  // namespace bulkhead::worker
