#include "daemons/storaged/verifier/claim.h"

#include <initializer_list>

#include "daemons/storaged/worker/json.h"

namespace bulkhead::verifier {
namespace {

using nlohmann::json;

tl::unexpected<Refusal> malformed(const char* why) {
  return refuse(Code::failedPrecondition, "",
                std::string("it signs what is no claim about an image: ") + why);
}

// Nothing unless `value` is an object of exactly these keys.
bool hasExactly(const json* value, std::initializer_list<const char*> keys) {
  if (value == nullptr || !value->is_object() || value->size() != keys.size()) return false;
  for (const char* key : keys) {
    if (!value->contains(key)) return false;
  }
  return true;
}

}  // namespace

Outcome<Claim> parseClaim(std::string_view text, std::string_view type) {
  auto document = worker::parseObject(text, "");
  if (!document) return malformed("not JSON of one meaning");
  for (const auto& [key, value] : document->items()) {
    if (key != "critical" && key != "optional") return malformed("an unknown key");
  }
  const json* critical = worker::find(*document, "critical");
  if (!hasExactly(critical, {"type", "image", "identity"})) return malformed("its critical part");
  const json* image = worker::find(*critical, "image");
  const json* identity = worker::find(*critical, "identity");
  if (!hasExactly(image, {"docker-manifest-digest"})) return malformed("its image");
  if (!hasExactly(identity, {"docker-reference"})) return malformed("its identity");
  auto said = worker::textAt(*critical, "type", "");
  auto digest = worker::textAt(*image, "docker-manifest-digest", "");
  auto reference = worker::textAt(*identity, "docker-reference", "");
  if (!said || *said != type) return malformed("its type");
  if (!digest || !Digest::parse(*digest, "digest")) return malformed("its digest");
  auto name = reference ? ImageName::parse(*reference, "name") : tl::unexpected(reference.error());
  if (!name) return malformed("its name");
  return Claim{*std::move(digest), *std::move(name)};
}

}  // namespace bulkhead::verifier
