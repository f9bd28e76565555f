// An address from a registry's mouth, and where it says to go on, with a newline between the two.
#include <cstddef>
#include <cstdint>

#include "daemons/imaged/fetcher/url.h"
#include "tests/fuzz/check.h"

using bulkhead::fetcher::Url;
using bulkhead::fuzz::check;

namespace {

void checkUrl(const Url& url) {
  check(url.text().starts_with("http://") || url.text().starts_with("https://"), "only http and https");
  check(!url.host().empty(), "an address has a host");
  for (unsigned char byte : url.text()) check(byte >= ' ' && byte != 0x7f, "no control byte");
  auto again = Url::parse(url.text());
  check(again && again->sameOrigin(url), "an address reads the same again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  std::size_t end = text.find('\n');
  auto url = Url::parse(text.substr(0, end));
  if (!url) return 0;
  checkUrl(*url);
  if (auto next = url->follow(end == text.npos ? text : text.substr(end + 1))) checkUrl(*next);
  checkUrl(url->withQuery("scope", text));
  return 0;
}
