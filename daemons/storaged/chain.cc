#include "daemons/storaged/chain.h"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "daemons/common/base/digest-stream.h"
#include "daemons/common/base/utf8.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {
namespace {

tl::unexpected<Refusal> mismatch(std::string field, std::string reason) {
  return refuse(Code::failedPrecondition, std::move(field), std::move(reason));
}

// A claimed digest that stands literally in the document it is said to come from.
Outcome<Digest> digestFrom(const std::string& document, capnp::Text::Reader claim, const std::string& field) {
  auto digest = Digest::parse(ipc::toString(claim), field);
  if (digest && document.find(digest->text()) == std::string::npos)
    return mismatch(field, "is not in the document");
  return digest;
}

Outcome<void> checkIndex(const Documents& documents, const Digest& manifest,
                         capnp::List<capnp::Text>::Reader entries) {
  if (documents.index.empty()) return {};
  bool listed = false;
  for (capnp::Text::Reader entry : entries) listed = listed || ipc::toString(entry) == manifest.text();
  if (!listed || documents.index.find(manifest.text()) == std::string::npos) {
    return mismatch("index.manifests", "does not list the manifest " + manifest.text());
  }
  return {};
}

using ClaimedLayer = schema::ParsedManifest::Layer::Reader;
using ClaimedDiffIds = capnp::List<capnp::Text>::Reader;

Outcome<VerifiedLayer> checkLayer(const Documents& documents, ClaimedLayer claimed,
                                  const Outcome<Digest>& diffId, const std::string& field) {
  auto digest = digestFrom(documents.manifest, claimed.getDigest(), field + ".digest");
  if (!digest) return tl::unexpected(digest.error());
  if (!diffId) return tl::unexpected(diffId.error());
  if (claimed.getCodec() > Codec::ZSTD) return invalid(field + ".mediaType", "has an unknown compression");
  constexpr std::uint64_t largest = std::uint64_t{1} << 50;  // keeps sums of sizes from overflowing
  if (claimed.getSize() == 0 || claimed.getSize() > largest)
    return invalid(field + ".size", "is out of range");
  return VerifiedLayer{*digest, claimed.getSize(), *diffId, claimed.getCodec(),
                       ipc::toString(claimed.getFile())};
}

Outcome<Digest> diffIdOf(const Documents& documents, const ClaimedDiffIds& ids, capnp::uint position) {
  return digestFrom(documents.config, ids[position],
                    "config.rootfs.diff_ids[" + std::to_string(position) + "]");
}

Outcome<Digest> fileIdOf(ClaimedLayer claimed, const std::string& field) {
  constexpr size_t longest = 4095;
  std::string file = ipc::toString(claimed.getFile());
  if (file.empty() || file.size() > longest) return invalid(field + ".annotations", "has no title");
  auto digest = Digest::parse(ipc::toString(claimed.getDigest()), field + ".digest");
  if (!digest) return digest;
  return fileDiffId(file, *digest);
}

std::string fieldOf(capnp::uint position) {
  return "manifest.layers[" + std::to_string(position) + "]";
}

// Base first.
Outcome<std::vector<VerifiedLayer>> checkLayers(const Documents& documents,
                                                schema::ParsedManifest::Reader claimed,
                                                const ClaimedDiffIds& ids) {
  auto layers = claimed.getLayers();
  if (layers.size() == 0) return invalid("manifest.layers", "is empty");
  if (layers.size() > limits::imageLayers) {
    return refuse(Code::resourceExhausted, "manifest.layers",
                  "has more than " + std::to_string(limits::imageLayers));
  }
  if (!claimed.getArtifact() && ids.size() != layers.size()) {
    return invalid("config.rootfs.diff_ids", "has " + std::to_string(ids.size()) + " entries, the manifest " +
                                                 std::to_string(layers.size()) + " layers");
  }
  std::vector<VerifiedLayer> verified;
  for (capnp::uint i = 0; i < layers.size(); ++i) {
    auto diffId = claimed.getArtifact() ? fileIdOf(layers[i], fieldOf(i)) : diffIdOf(documents, ids, i);
    auto checked = checkLayer(documents, layers[i], diffId, fieldOf(i));
    if (!checked) return tl::unexpected(checked.error());
    if (!claimed.getArtifact() && !checked->file.empty()) return invalid(fieldOf(i), "is a file in an image");
    verified.push_back(*std::move(checked));
  }
  return verified;
}

// The worker's message copied field by field into one of our own, bounded.
Outcome<std::string> serialise(schema::ImageConfig::Reader config) {
  constexpr size_t longestUser = 1024;  // it is shown in every list of images
  if (config.getUser().size() > longestUser) return invalid("config.config.User", "is too long");
  if (!isUtf8(ipc::toString(config.getUser()))) return invalid("config.config.User", "is not UTF-8");
  if (config.totalSize().wordCount * sizeof(capnp::word) > 2 * limits::document) {
    return refuse(Code::resourceExhausted, "config.config", "is too large");
  }
  capnp::MallocMessageBuilder message;
  message.setRoot(config);
  auto words = capnp::messageToFlatArray(message);
  return std::string(reinterpret_cast<const char*>(words.begin()), words.size() * sizeof(capnp::word));
}

// What a list can show. The rest is the author's loss: annotations decide nothing.
std::vector<std::pair<std::string, std::string>> shownOf(capnp::List<schema::KeyValue>::Reader claimed) {
  std::vector<std::pair<std::string, std::string>> shown;
  size_t total = 0;
  for (auto pair : claimed) {
    std::string key = ipc::toString(pair.getKey());
    std::string value = ipc::toString(pair.getValue());
    size_t size = key.size() + value.size();
    bool fits = size <= limits::annotation && total + size <= limits::annotationsTotal;
    if (!fits || !isUtf8(key) || !isUtf8(value)) continue;
    total += size;
    shown.emplace_back(std::move(key), std::move(value));
  }
  return shown;
}

}  // namespace

std::vector<std::string> VerifiedImage::names() const {
  std::vector<std::string> names{reference.name() + "@" + topDigest.text()};
  if (!reference.digest() && !reference.tag().empty()) names.push_back(reference.tagged());
  return names;
}

Digest fileDiffId(const std::string& file, const Digest& content) {
  return digestOf("bulkhead artifact file 1\n" + content.text() + "\n" + file);
}

Digest artifactId(const Digest& manifest) {
  return digestOf("bulkhead artifact 1\n" + manifest.text());
}

Outcome<void> checkSizes(const Documents& documents) {
  for (auto [name, document] : {std::pair<const char*, const std::string&>{"index", documents.index},
                                {"manifest", documents.manifest},
                                {"config", documents.config}}) {
    if (document.size() > limits::document)
      return refuse(Code::resourceExhausted, name, "is larger than 4 MiB");
  }
  if (documents.manifest.empty()) return invalid("manifest", "is empty");
  return {};
}

Outcome<VerifiedImage> checkChain(const ImageReference& reference, const Documents& documents,
                                  schema::ParsedManifest::Reader claimed,
                                  schema::ParsedConfig::Reader claimedByConfig) {
  Digest manifest = digestOf(documents.manifest);
  Digest config = digestOf(documents.config);
  Digest top = documents.index.empty() ? manifest : digestOf(documents.index);

  if (reference.digest() && *reference.digest() != top) {
    return mismatch("reference",
                    "asks for " + reference.digest()->text() + ", but the document is " + top.text());
  }
  if (auto listed = checkIndex(documents, manifest, claimed.getIndexEntries()); !listed) {
    return tl::unexpected(listed.error());
  }
  auto claimedConfig = digestFrom(documents.manifest, claimed.getConfigDigest(), "manifest.config.digest");
  if (!claimedConfig) return tl::unexpected(claimedConfig.error());
  if (*claimedConfig != config) {
    return mismatch("manifest.config.digest",
                    "is " + claimedConfig->text() + ", but the config is " + config.text());
  }
  if (claimed.getConfigSize() != documents.config.size()) {
    return mismatch("manifest.config.size", "is not the size of the config");
  }

  auto layers = checkLayers(documents, claimed, claimedByConfig.getDiffIds());
  if (!layers) return tl::unexpected(layers.error());
  auto imageConfig = serialise(claimedByConfig.getConfig());
  if (!imageConfig) return tl::unexpected(imageConfig.error());

  bool artifact = claimed.getArtifact();
  auto id = ImageId::parse(artifact ? artifactId(manifest).hex() : config.hex(), "config");
  if (!id) return tl::unexpected(id.error());
  std::uint64_t bytes = documents.index.size() + documents.manifest.size() + documents.config.size();
  return VerifiedImage{*id,
                       reference,
                       top,
                       manifest,
                       bytes,
                       *std::move(layers),
                       ipc::toString(claimedByConfig.getConfig().getUser()),
                       *std::move(imageConfig),
                       artifact ? std::string() : documents.config,
                       shownOf(claimed.getAnnotations()),
                       artifact};
}

Digest unknownDiffId(const Digest& compressed) {
  return digestOf("bulkhead unknown diff id 1\n" + compressed.text());
}

Outcome<VerifiedImage> checkSchema1(const ImageReference& reference, const std::string& payload,
                                    schema::ParsedManifest::Reader claimed) {
  Digest manifest = digestOf(payload);
  if (reference.digest() && *reference.digest() != manifest) {
    return mismatch("reference",
                    "asks for " + reference.digest()->text() + ", but the document is " + manifest.text());
  }
  auto layers = claimed.getLayers();
  if (layers.size() == 0 || layers.size() > limits::imageLayers)
    return invalid("manifest.fsLayers", "has no layers or more than 127");
  std::vector<VerifiedLayer> verified;
  for (auto layer : layers) {
    auto digest = digestFrom(payload, layer.getDigest(), "manifest.fsLayers");
    if (!digest) return tl::unexpected(digest.error());
    verified.push_back({*digest, 0, unknownDiffId(*digest), Codec::GZIP, {}});
  }
  auto id = ImageId::parse(digestOf("bulkhead schema 1\n" + manifest.text()).hex(), "config");
  if (!id) return tl::unexpected(id.error());
  VerifiedImage image{*id, reference, manifest, manifest, payload.size(), std::move(verified)};
  image.schema1 = payload;
  return image;
}

Outcome<VerifiedImage> withConfig(VerifiedImage image, std::string config,
                                  schema::ParsedConfig::Reader claimed) {
  auto ids = claimed.getDiffIds();
  bool same = ids.size() == image.layers.size();
  for (capnp::uint i = 0; same && i < ids.size(); ++i)
    same = ipc::toString(ids[i]) == image.layers[i].diffId.text();
  if (!same) return mismatch("config.rootfs.diff_ids", "are not those of the layers");
  auto imageConfig = serialise(claimed.getConfig());
  if (!imageConfig) return tl::unexpected(imageConfig.error());
  auto id = ImageId::parse(digestOf(config).hex(), "config");
  if (!id) return tl::unexpected(id.error());
  image.id = *id;
  image.documentBytes += config.size();
  image.user = ipc::toString(claimed.getConfig().getUser());
  image.config = *std::move(imageConfig);
  image.document = std::move(config);
  image.schema1.clear();
  return image;
}

}  // namespace bulkhead::storaged
