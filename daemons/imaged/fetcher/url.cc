#include "daemons/imaged/fetcher/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace bulkhead::fetcher {
namespace {

constexpr size_t longest = 16 * 1024;

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

Handle handleOf(const std::string& text) {
  Handle handle(curl_url(), &curl_url_cleanup);
  if (!handle) throw std::bad_alloc();
  if (curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) handle.reset();
  return handle;
}

std::string part(CURLU* handle, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle, which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

}  // namespace

std::optional<Url> Url::parse(const std::string& text) {
  if (text.size() > longest) return std::nullopt;
  Handle handle = handleOf(text);
  if (!handle) return std::nullopt;
  if (!part(handle.get(), CURLUPART_USER).empty() || !part(handle.get(), CURLUPART_PASSWORD).empty()) {
    return std::nullopt;
  }
  (void)curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
  Url url;
  url.text_ = part(handle.get(), CURLUPART_URL);
  url.scheme_ = part(handle.get(), CURLUPART_SCHEME);
  url.host_ = part(handle.get(), CURLUPART_HOST);
  url.port_ = part(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::transform(url.host_.begin(), url.host_.end(), url.host_.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (url.host_.empty() || (url.scheme_ != "http" && url.scheme_ != "https")) return std::nullopt;
  return url;
}

std::optional<Url> Url::follow(const std::string& location) const {
  Handle handle = handleOf(text_);
  if (!handle || location.empty() || location.size() > longest) return std::nullopt;
  if (curl_url_set(handle.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) return std::nullopt;
  return parse(part(handle.get(), CURLUPART_URL));
}

Url Url::withQuery(const std::string& name, const std::string& value) const {
  Handle handle = handleOf(text_);
  std::string pair = name + "=" + value;
  if (!handle || curl_url_set(handle.get(), CURLUPART_QUERY, pair.c_str(),
                              CURLU_APPENDQUERY | CURLU_URLENCODE) != CURLUE_OK) {
    throw std::runtime_error("a query parameter does not fit a URL");
  }
  Url url = *this;
  url.text_ = part(handle.get(), CURLUPART_URL);
  return url;
}

bool Url::isAt(const std::string& place) const {
  auto other = parse(scheme_ + "://" + place + "/");
  return other && samePlace(*other);
}

bool Url::sameOrigin(const Url& other) const {
  return scheme_ == other.scheme_ && host_ == other.host_ && port_ == other.port_;
}

}  // namespace bulkhead::fetcher
