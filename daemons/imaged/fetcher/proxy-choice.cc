#include "daemons/imaged/fetcher/proxy-choice.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "daemons/imaged/fetcher/ascii.h"

namespace bulkhead::fetcher {
namespace {

// IPv4 in its IPv6 form, so that there is one kind to compare.
using Address = std::array<unsigned char, 16>;
constexpr int mappedBits = 96;

struct Parsed {
  Address bytes{};
  bool v4 = false;
};

std::optional<Parsed> addressOf(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  std::string copy(text);
  Parsed parsed;
  if (::inet_pton(AF_INET6, copy.c_str(), parsed.bytes.data()) == 1) return parsed;
  parsed.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  parsed.v4 = true;
  if (::inet_pton(AF_INET, copy.c_str(), parsed.bytes.data() + 12) == 1) return parsed;
  return std::nullopt;
}

bool isLoopback(const Parsed& address) {
  static constexpr Address six{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  static constexpr Address mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  bool carries4 = std::equal(mapped.begin(), mapped.begin() + 12, address.bytes.begin());
  return address.bytes == six || (carries4 && address.bytes[12] == 127);
}

bool sameBits(const Address& a, const Address& b, int bits) {
  int whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  int rest = bits % 8;
  if (rest == 0) return true;
  auto at = static_cast<size_t>(whole);
  return ((a[at] ^ b[at]) >> (8 - rest)) == 0;
}

// "10.0.0.0/8", "fd00::/8".
bool isInNetwork(const Parsed& address, std::string_view network) {
  size_t slash = network.find('/');
  auto base = addressOf(network.substr(0, slash));
  int bits = 0;
  std::string_view length = network.substr(slash + 1);
  auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (!base || error != std::errc() || end != length.data() + length.size() || bits < 0) return false;
  if (base->v4) bits += mappedBits;
  return bits <= 128 && sameBits(address.bytes, base->bytes, bits);
}

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Cuts ":port" off, if what is left is no part of an IPv6 address.
std::string_view takePort(std::string_view& entry) {
  size_t colon = entry.rfind(':');
  bool inAddress = colon != entry.npos && entry.find(':') != colon && entry[colon - 1] != ']';
  if (colon == entry.npos || inAddress) return {};
  std::string_view port = entry.substr(colon + 1);
  entry = entry.substr(0, colon);
  return port;
}

bool names(std::string_view entry, std::string_view host, std::string_view port) {
  if (entry == "*") return true;
  auto address = addressOf(host);
  if (entry.find('/') != entry.npos) return address && isInNetwork(*address, entry);
  std::string_view onlyPort = takePort(entry);
  if (entry.empty() || (!onlyPort.empty() && onlyPort != port)) return false;
  if (auto other = addressOf(entry)) return address && address->bytes == other->bytes;
  std::string name = lower(entry);
  if (name.starts_with("*.")) name.erase(0, 1);
  if (name.front() == '.') return host.ends_with(name) && host.size() > name.size();
  return host == name || host.ends_with("." + name);
}

}  // namespace

bool isExempt(std::string_view host, std::string_view port, std::string_view noProxy) {
  while (!noProxy.empty()) {
    size_t comma = std::min(noProxy.find(','), noProxy.size());
    std::string_view entry = trimmed(noProxy.substr(0, comma));
    if (!entry.empty() && names(entry, host, port)) return true;
    noProxy.remove_prefix(std::min(comma + 1, noProxy.size()));
  }
  return false;
}

std::string proxyFor(const Url& url, const Proxies& proxies) {
  const std::string& proxy = url.isHttps() ? proxies.https : proxies.http;
  auto address = addressOf(url.host());
  bool here = url.host() == "localhost" || (address && isLoopback(*address));
  return here || isExempt(url.host(), url.port(), proxies.noProxy) ? std::string() : proxy;
}

}  // namespace bulkhead::fetcher
