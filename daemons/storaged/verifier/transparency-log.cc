#include "daemons/storaged/verifier/transparency-log.h"
#include "daemons/common/base/digest-stream.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <optional>

#include "daemons/common/base/base64.h"
#include "daemons/storaged/worker/json.h"

namespace bulkhead::verifier {
namespace {

using nlohmann::json;

tl::unexpected<Refusal> doubtful(const char* why) {
  return refuse(Code::failedPrecondition, "", std::string("its transparency log entry ") + why);
}

// The text at a path of keys; nothing if one of them is no object or the last no text.
std::optional<std::string> textIn(const json& value, std::initializer_list<const char*> path) {
  const json* at = &value;
  for (const char* key : path) {
    if (!at->is_object()) return std::nullopt;
    at = worker::find(*at, key);
    if (at == nullptr) return std::nullopt;
  }
  if (!at->is_string()) return std::nullopt;
  return at->get<std::string>();
}

struct Entry {
  std::string body;        // decoded
  std::string signedPart;  // canonical JSON (RFC 8785) of what the log signed
  std::string signature;
  std::int64_t time = 0;
};

// Of these texts the canonical form is what nlohmann writes: sorted keys, nothing to escape.
std::optional<std::string> canonical(const json& payload) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  auto body = textIn(payload, {"body"});
  auto log = textIn(payload, {"logID"});
  const json* time = worker::find(payload, "integratedTime");
  const json* index = worker::find(payload, "logIndex");
  bool whole = body && log && time != nullptr && index != nullptr && time->is_number_unsigned() &&
               index->is_number_unsigned() && body->find_first_not_of(plain) == body->npos &&
               log->find_first_not_of(plain) == log->npos;
  if (!whole) return std::nullopt;
  return json{{"body", *body}, {"integratedTime", *time}, {"logID", *log}, {"logIndex", *index}}.dump();
}

std::optional<Entry> parseEntry(std::string_view bundle) {
  auto document = worker::parseObject(bundle, "");
  if (!document) return std::nullopt;
  const json* payload = worker::find(*document, "Payload");
  if (payload == nullptr || !payload->is_object()) return std::nullopt;
  auto signature = decodeBase64(textIn(*document, {"SignedEntryTimestamp"}).value_or("?"));
  auto body = decodeBase64(textIn(*payload, {"body"}).value_or("?"));
  auto signedPart = canonical(*payload);
  if (!signature || !body || !signedPart) return std::nullopt;
  return Entry{*body, *signedPart, *signature, payload->at("integratedTime").get<std::int64_t>()};
}

// The bytes between the lines of one PEM block; empty if there is none.
std::string derOf(std::string_view pem) {
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
      ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), ::BIO_free_all);
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;
  std::string der;
  if (::PEM_read_bio(bio.get(), &name, &header, &data, &length) == 1)
    der.assign(reinterpret_cast<char*>(data), static_cast<size_t>(length));
  ::OPENSSL_free(name);
  ::OPENSSL_free(header);
  ::OPENSSL_free(data);
  ::ERR_clear_error();
  return der;
}

// Whether the entry is of this signature, by this signer, of this payload (rekor, types/hashedrekord).
bool isOf(const std::string& body, const LoggedSignature& signature) {
  auto document = worker::parseObject(body, "");
  if (!document) return false;
  auto content = decodeBase64(textIn(*document, {"spec", "signature", "content"}).value_or("?"));
  auto signer = decodeBase64(textIn(*document, {"spec", "signature", "publicKey", "content"}).value_or("?"));
  std::string der = derOf(signature.signer);
  return textIn(*document, {"kind"}) == "hashedrekord" && textIn(*document, {"apiVersion"}) == "0.0.1" &&
         textIn(*document, {"spec", "data", "hash", "algorithm"}) == "sha256" &&
         textIn(*document, {"spec", "data", "hash", "value"}) == digestOf(signature.payload).hex() &&
         content && *content == signature.signature && signer && !der.empty() && derOf(*signer) == der;
}

}  // namespace

Outcome<std::int64_t> timeInLog(std::string_view bundle, const LoggedSignature& signature,
                                const std::vector<PublicKey>& keys) {
  if (bundle.empty()) return doubtful("is missing");
  auto entry = parseEntry(bundle);
  if (!entry) return doubtful("is malformed");
  bool promised = std::any_of(keys.begin(), keys.end(), [&entry](const PublicKey& key) {
    return verifies(key, entry->signedPart, entry->signature);
  });
  if (!promised) return doubtful("is not signed by a log that the policy names");
  if (!isOf(entry->body, signature)) return doubtful("is of another signature");
  return entry->time;
}

}  // namespace bulkhead::verifier
