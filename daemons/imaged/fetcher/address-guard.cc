#include "daemons/imaged/fetcher/address-guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace bulkhead::fetcher {
namespace {

bool isPublic4(uint32_t address) {
  uint32_t first = address >> 24;
  bool thisHost = first == 0;  // RFC 1122 §3.2.1.3
  bool loopback = first == 127;
  bool linkLocal = address >> 16 == 0xa9fe;  // 169.254/16, RFC 3927: cloud metadata lives here
  bool multicastOrReserved = first >= 224;   // and limited broadcast
  // Clouds that answer elsewhere: Alibaba 100.100.100.200, Oracle 192.0.0.192, Azure 168.63.129.16
  bool metadata = address == 0x646464c8 || address == 0xc00000c0 || address == 0xa83f8110;
  return !thisHost && !loopback && !linkLocal && !multicastOrReserved && !metadata;
}

// An IPv4 address is carried by ::ffff:0:0/96 (mapped), ::/96 (compatible) and 64:ff9b::/96 (NAT64, RFC
// 6052).
bool carriesIpv4(const in6_addr& address) {
  static constexpr std::array<uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  static constexpr std::array<uint8_t, 12> compatible{};
  static constexpr std::array<uint8_t, 12> nat64{0, 0x64, 0xff, 0x9b};
  auto startsWith = [&](const auto& prefix) {
    return std::equal(prefix.begin(), prefix.end(), address.s6_addr);
  };
  return startsWith(mapped) || startsWith(compatible) || startsWith(nat64);
}

bool isPublic6(const in6_addr& address) {
  if (carriesIpv4(address)) {  // covers :: and ::1 too: 0.0.0.0 and 0.0.0.1
    uint32_t inner = 0;
    std::memcpy(&inner, address.s6_addr + 12, sizeof inner);
    return isPublic4(ntohl(inner));
  }
  auto startsWith = [&](const auto& prefix) {
    return std::equal(prefix.begin(), prefix.end(), address.s6_addr);
  };
  static constexpr std::array<uint8_t, 6> localNat64{0, 0x64, 0xff, 0x9b, 0, 1};  // RFC 8215
  static constexpr std::array<uint8_t, 2> sixToFour{0x20, 0x02};                  // RFC 3056
  static constexpr std::array<uint8_t, 16> ec2{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0,    0,
                                               0,    0,    0,    0,    0, 0, 0x02, 0x54};
  // fe80::/10 and fec0::/10, which RFC 3879 took back
  bool local = address.s6_addr[0] == 0xfe && (address.s6_addr[1] & 0x80) == 0x80;
  bool multicast = address.s6_addr[0] == 0xff;
  // Both carry an IPv4 address where only the site knows.
  bool translated = startsWith(localNat64) || startsWith(sixToFour);
  return !local && !multicast && !translated && !startsWith(ec2);
}

}  // namespace

bool isPublicTarget(const struct sockaddr& address) {
  if (address.sa_family == AF_INET) {
    struct sockaddr_in v4 {};
    std::memcpy(&v4, &address, sizeof v4);
    return isPublic4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    struct sockaddr_in6 v6 {};
    std::memcpy(&v6, &address, sizeof v6);
    return isPublic6(v6.sin6_addr);
  }
  return false;
}

bool isPublicHost(const std::string& host) {
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  std::string address = bracketed ? host.substr(1, host.size() - 2) : host;
  struct in_addr v4 {};
  struct in6_addr v6 {};
  if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return isPublic4(ntohl(v4.s_addr));
  if (::inet_pton(AF_INET6, address.c_str(), &v6) == 1) return isPublic6(v6);
  return true;
}

}  // namespace bulkhead::fetcher
