#include "daemons/storaged/worker/schema1.h"

#include <algorithm>
#include <array>

#include "daemons/common/base/base64.h"
#include "daemons/storaged/worker/json.h"
#include "ipc/limits.h"

namespace bulkhead::worker {
namespace {

using nlohmann::json;

// Steps that change no files are history too.
constexpr size_t mostSteps = 4 * limits::imageLayers;
constexpr size_t longestTail = 1024;
// What a step's description says of itself as a layer of Docker's old storage (image-spec v1).
constexpr std::array<const char*, 6> ofTheStep{"id", "parent", "parent_id", "layer_id", "Size", "throwaway"};

// One entry of fsLayers with its entry of history.
struct Step {
  Digest digest;
  json description;
  bool empty;
};

Outcome<Step> readStep(const json& layer, const json& history, const std::string& at) {
  if (!layer.is_object() || !history.is_object()) return invalid("manifest.history" + at, "is not an object");
  auto sum = textAt(layer, "blobSum", "manifest.fsLayers" + at);
  if (!sum) return tl::unexpected(sum.error());
  auto digest = Digest::parse(*sum, "manifest.fsLayers" + at + ".blobSum");
  if (!digest) return tl::unexpected(digest.error());
  auto text = textAt(history, "v1Compatibility", "manifest.history" + at);
  if (!text) return tl::unexpected(text.error());
  auto description = parseObject(*text, "manifest.history" + at);
  if (!description) return tl::unexpected(description.error());
  const json* empty = find(*description, "throwaway");
  if (empty != nullptr && !empty->is_boolean())
    return invalid("manifest.history" + at + ".throwaway", "is neither true nor false");
  bool thrownAway = empty != nullptr && empty->get<bool>();
  return Step{std::move(*digest), std::move(*description), thrownAway};
}

// Base first: the document has the newest step first.
Outcome<std::vector<Step>> readSteps(const json& manifest) {
  auto layers = arrayAt(manifest, "fsLayers", "manifest");
  if (!layers) return tl::unexpected(layers.error());
  auto history = arrayAt(manifest, "history", "manifest");
  if (!history) return tl::unexpected(history.error());
  size_t count = (*layers)->size();
  if (count == 0 || count > mostSteps) return invalid("manifest.fsLayers", "has no steps or too many");
  if (count != (*history)->size()) return invalid("manifest.history", "is not as long as fsLayers");
  std::vector<Step> steps;
  for (size_t i = 0; i < count; ++i) {
    auto step = readStep((**layers)[i], (**history)[i], "[" + std::to_string(i) + "]");
    if (!step) return tl::unexpected(step.error());
    steps.push_back(std::move(*step));
  }
  std::reverse(steps.begin(), steps.end());
  auto kept = std::count_if(steps.begin(), steps.end(), [](const Step& step) { return !step.empty; });
  if (kept == 0 || static_cast<size_t>(kept) > limits::imageLayers)
    return invalid("manifest.fsLayers", "has no layers or more than 127");
  return steps;
}

Outcome<json> readManifest(std::string_view text) {
  auto manifest = parseObject(text, "manifest");
  if (!manifest) return manifest;
  auto version = numberAt(*manifest, "schemaVersion", "manifest");
  if (!version) return tl::unexpected(version.error());
  if (*version != 1) return invalid("manifest.schemaVersion", "is not 1");
  for (const char* key : {"manifests", "layers", "config", "rootfs"}) {
    if (manifest->contains(key))
      return invalid(std::string("manifest.") + key, "does not belong into this kind of document");
  }
  return manifest;
}

// Every signature says the same of the payload, or the document means two things.
Outcome<void> readPayload(const json& manifest, size_t documentBytes, Schema1& into) {
  if (find(manifest, "signatures") == nullptr) return {};
  auto signatures = arrayAt(manifest, "signatures", "manifest");
  if (!signatures) return tl::unexpected(signatures.error());
  for (const json& signature : **signatures) {
    if (!signature.is_object()) return invalid("manifest.signatures", "has one that is not an object");
    auto text = textAt(signature, "protected", "manifest.signatures");
    if (!text) return tl::unexpected(text.error());
    auto header = parseObject(decodeBase64Url(*text).value_or(""), "manifest.signatures.protected");
    if (!header) return tl::unexpected(header.error());
    auto length = numberAt(*header, "formatLength", "manifest.signatures.protected");
    if (!length) return tl::unexpected(length.error());
    auto tail = textAt(*header, "formatTail", "manifest.signatures.protected");
    if (!tail) return tl::unexpected(tail.error());
    bool first = into.payloadTail.empty();
    std::string bytes = decodeBase64Url(*tail).value_or("");
    bool same = first || (into.payloadBytes == *length && into.payloadTail == bytes);
    if (*length == 0 || *length > documentBytes || bytes.empty() || bytes.size() > longestTail || !same)
      return invalid("manifest.signatures.protected", "does not say what is signed");
    into.payloadBytes = *length;
    into.payloadTail = std::move(bytes);
  }
  return {};
}

void copyText(const json& from, const char* key, json& to, const char* as) {
  const json* value = find(from, key);
  if (value != nullptr && value->is_string() && !value->get_ref<const std::string&>().empty())
    to[as] = *value;
}

// image-spec, config.md, "history".
json historyOf(const Step& step) {
  json entry = json::object();
  copyText(step.description, "created", entry, "created");
  copyText(step.description, "author", entry, "author");
  copyText(step.description, "comment", entry, "comment");
  const json* made = find(step.description, "container_config");
  const json* command = made != nullptr && made->is_object() ? find(*made, "Cmd") : nullptr;
  if (command != nullptr && command->is_array()) {
    std::string joined;
    for (const json& word : *command) {
      if (word.is_string()) joined += (joined.empty() ? "" : " ") + word.get<std::string>();
    }
    if (!joined.empty()) entry["created_by"] = joined;
  }
  if (step.empty) entry["empty_layer"] = true;
  return entry;
}

}  // namespace

bool saysSchema1(std::string_view text) {
  auto manifest = parseObject(text, "manifest");
  if (!manifest) return false;
  auto version = numberAt(*manifest, "schemaVersion", "manifest");
  return version && *version == 1;
}

Outcome<Schema1> parseSchema1(std::string_view text) {
  auto manifest = readManifest(text);
  if (!manifest) return tl::unexpected(manifest.error());
  auto steps = readSteps(*manifest);
  if (!steps) return tl::unexpected(steps.error());
  Schema1 read;
  for (Step& step : *steps) read.layers.push_back({std::move(step.digest), step.empty});
  if (auto payload = readPayload(*manifest, text.size(), read); !payload)
    return tl::unexpected(payload.error());
  return read;
}

Outcome<std::string> configOfSchema1(std::string_view text, const std::vector<Digest>& diffIds) {
  auto manifest = readManifest(text);
  if (!manifest) return tl::unexpected(manifest.error());
  auto steps = readSteps(*manifest);
  if (!steps) return tl::unexpected(steps.error());
  json config = steps->back().description;
  for (const char* key : ofTheStep) config.erase(key);
  json ids = json::array();
  for (const Digest& id : diffIds) ids.push_back(id.text());
  config["rootfs"] = {{"type", "layers"}, {"diff_ids", std::move(ids)}};
  json history = json::array();
  for (const Step& step : *steps) history.push_back(historyOf(step));
  config["history"] = std::move(history);
  return config.dump();
}

}  // namespace bulkhead::worker
