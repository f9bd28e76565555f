#include "daemons/imaged/fetcher/signature-documents.h"

#include "daemons/common/base/base64.h"
#include "daemons/imaged/fetcher/json.h"
#include "ipc/limits.h"

namespace bulkhead::fetcher {
namespace {

constexpr const char* simpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json";

tl::unexpected<Refusal> malformed(const char* what) {
  return refuse(Code::failedPrecondition, "signatures", what);
}

tl::unexpected<Refusal> tooMany() {
  return refuse(Code::resourceExhausted, "signatures",
                "are more than " + std::to_string(limits::signatures) + " of one image");
}

// The list of that name; nothing if there is none.
const Json* listIn(const Json& json, const char* name) {
  if (!json.is_object()) return nullptr;
  auto found = json.find(name);
  return found != json.end() && found->is_array() ? &*found : nullptr;
}

Attachment attachmentOf(const Json& layer) {
  auto found = layer.find("annotations");
  if (found == layer.end() || !found->is_object()) return {};
  return {"", textIn(*found, "dev.cosignproject.cosign/signature"),
          textIn(*found, "dev.sigstore.cosign/certificate"), textIn(*found, "dev.sigstore.cosign/chain"),
          textIn(*found, "dev.sigstore.cosign/bundle")};
}

}  // namespace

Outcome<std::vector<AttachedLayer>> attachedLayers(const std::string& manifest) {
  Json json = parseJson(manifest);
  const Json* layers = listIn(json, "layers");
  if (layers == nullptr) return malformed("are attached as no image manifest");
  std::vector<AttachedLayer> attached;
  for (const Json& layer : *layers) {
    if (!layer.is_object() || textIn(layer, "mediaType") != simpleSigning) continue;
    auto digest = Digest::parse(textIn(layer, "digest"), "signatures.digest");
    auto size = layer.find("size");
    if (!digest || size == layer.end() || !size->is_number_unsigned())
      return malformed("are attached with a malformed descriptor");
    if (attached.size() == limits::signatures) return tooMany();
    attached.push_back({{*digest, size->get<std::uint64_t>()}, attachmentOf(layer)});
  }
  return attached;
}

Outcome<std::vector<SimpleMessage>> messagesOf(const std::string& answer) {
  Json json = parseJson(answer);
  const Json* list = listIn(json, "signatures");
  if (list == nullptr) return malformed("are answered as no list");
  std::vector<SimpleMessage> messages;
  for (const Json& one : *list) {
    if (!one.is_object() || textIn(one, "type") != "atomic") continue;
    if (!one.contains("schemaVersion") || one.at("schemaVersion") != 2) continue;
    auto message = decodeBase64(textIn(one, "content"));
    if (!message || message->empty()) return malformed("are answered as no base64");
    if (messages.size() == limits::signatures) return tooMany();
    messages.push_back(*std::move(message));
  }
  return messages;
}

}  // namespace bulkhead::fetcher
