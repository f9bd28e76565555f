#include "daemons/imaged/token-cache.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "daemons/common/base/log.h"
#include "ipc/limits.h"

namespace bulkhead::imaged {
namespace {

constexpr size_t mostKept = 256;
constexpr size_t longest = 16 * 1024;  // a header's limit at most servers
constexpr uint32_t longestSeconds = 3600;
constexpr uint32_t margin = 10;  // a token that expires on its way is refused once, and costs a request

// RFC 6750, section 2.1: b64token.
bool isToken(kj::StringPtr text) {
  auto good = [](char c) {
    bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alnum || std::strchr("-._~+/=", c) != nullptr;
  };
  return text.size() > 0 && text.size() <= longest && std::all_of(text.begin(), text.end(), good);
}

// With its length, so that no two lists of texts are one.
void add(std::string& all, kj::StringPtr text) {
  all += std::to_string(text.size()) + ":";
  all.append(text.begin(), text.size());
}

void add(std::string& all, schema::Auth::Reader auth) {
  for (kj::StringPtr text : {auth.getUsername(), auth.getPassword(), auth.getAuth(), auth.getServerAddress(),
                             auth.getIdentityToken(), auth.getRegistryToken()}) {
    add(all, text);
  }
}

}  // namespace

TokenCache::TokenCache(kj::Timer& timer) : timer_(timer) {
  if (::getrandom(secret_.data(), secret_.size(), 0) != static_cast<ssize_t>(secret_.size()))
    throw std::runtime_error("no random bytes");
}

TokenCache::~TokenCache() {
  while (!kept_.empty()) forget(kept_.begin());
}

TokenCache::Key TokenCache::keyOf(schema::Source::Reader source, schema::Auth::Reader request,
                                  schema::Auth::Reader fromFile) const {
  std::string all;
  all.reserve(limits::credential * 2);  // no copies are left behind by growing
  add(all, source.getHost());
  add(all, source.getRepository());
  add(all, request);
  add(all, fromFile);
  Key key{};
  size_t size = 0;
  bool done = EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret_.data(), secret_.size(),
                        reinterpret_cast<const unsigned char*>(all.data()), all.size(), key.data(),
                        key.size(), &size) != nullptr;
  ::explicit_bzero(all.data(), all.size());
  if (!done || size != key.size()) throw std::runtime_error("no HMAC");
  return key;
}

const std::string& TokenCache::find(const Key& key) {
  forgetExpired();
  auto found = kept_.find(key);
  return found == kept_.end() ? none_ : found->second.token;
}

void TokenCache::keep(const Key& key, capnp::Text::Reader token, uint32_t seconds) {
  forgetExpired();
  if (!isToken(token) || seconds <= margin) return;
  if (auto old = kept_.find(key); old != kept_.end()) forget(old);
  if (kept_.size() >= mostKept) forget(kept_.begin());
  auto life = (std::min(seconds, longestSeconds) - margin) * kj::SECONDS;
  kept_.emplace(key, Kept{std::string(token.begin(), token.size()), timer_.now() + life});
  expiries_.add(timer_.afterDelay(life).then([this] { forgetExpired(); }));
}

void TokenCache::forget(std::map<Key, Kept>::iterator entry) {
  ::explicit_bzero(entry->second.token.data(), entry->second.token.size());
  kept_.erase(entry);
}

void TokenCache::taskFailed(kj::Exception&& exception) {
  log::error("tokens do not expire", {{"error", exception.getDescription().cStr()}});
}

void TokenCache::forgetExpired() {
  for (auto entry = kept_.begin(); entry != kept_.end();) {
    auto next = std::next(entry);
    if (entry->second.end <= timer_.now()) forget(entry);
    entry = next;
  }
}

}  // namespace bulkhead::imaged
