#include "daemons/imaged/fetcher/documents.h"

#include <optional>

#include "daemons/imaged/fetcher/json.h"

namespace bulkhead::fetcher {
namespace {

bool has(const Json& json, const char* name, Json::value_t type) {
  auto found = json.find(name);
  return found != json.end() && found->type() == type;
}

Outcome<Descriptor> descriptorOf(const Json& json, const std::string& field) {
  if (!json.is_object()) return invalid(field, "is no descriptor");
  auto digest = Digest::parse(textIn(json, "digest"), field + ".digest");
  if (!digest) return tl::unexpected(digest.error());
  if (!has(json, "size", Json::value_t::number_unsigned)) return invalid(field + ".size", "is no size");
  return Descriptor{*digest, json.at("size").get<std::uint64_t>()};
}

// The distance of an index entry without platform: any other match is better.
constexpr int unstated = 1000;

std::optional<int> distanceOf(const Json& entry, const Platform& wanted) {
  if (!entry.is_object()) return std::nullopt;
  if (!entry.contains("platform")) return unstated;
  const Json& platform = entry.at("platform");
  if (!platform.is_object()) return std::nullopt;
  return distance(wanted,
                  {textIn(platform, "os"), textIn(platform, "architecture"), textIn(platform, "variant")});
}

}  // namespace

Outcome<DocumentKind> kindOf(const std::string& document) {
  Json json = parseJson(document);
  if (!json.is_object()) return refuse(Code::failedPrecondition, "manifest", "is not a JSON object");
  bool index = has(json, "manifests", Json::value_t::array);
  bool manifest = has(json, "config", Json::value_t::object) && has(json, "layers", Json::value_t::array);
  bool old = json.contains("schemaVersion") && json.at("schemaVersion") == 1;
  if (old && !index && !manifest) return DocumentKind::schema1;
  if (old || index == manifest || (index && json.contains("layers"))) {
    return refuse(Code::failedPrecondition, "manifest", "is neither an image index nor an image manifest");
  }
  return index ? DocumentKind::index : DocumentKind::manifest;
}

Outcome<Descriptor> chooseManifest(const std::string& index, const Platform& wanted) {
  Json json = parseJson(index);
  const Json* best = nullptr;
  int nearest = 0;
  for (const Json& entry : json.at("manifests")) {
    auto far = distanceOf(entry, wanted);
    if (!far || (best != nullptr && *far >= nearest)) continue;
    best = &entry;
    nearest = *far;
  }
  if (best == nullptr) {
    return refuse(Code::failedPrecondition, "platform",
                  "the image has nothing for " + wanted.os + "/" + wanted.architecture +
                      (wanted.variant.empty() ? "" : "/" + wanted.variant));
  }
  return descriptorOf(*best, "manifests");
}

Outcome<Descriptor> configOf(const std::string& manifest) {
  return descriptorOf(parseJson(manifest).at("config"), "config");
}

}  // namespace bulkhead::fetcher
