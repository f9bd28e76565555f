#include "daemons/imaged/fetcher/address-guard.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace bulkhead::fetcher {
namespace {

bool isPublic(const char* text) {
  struct sockaddr_storage storage {};
  auto* v4 = reinterpret_cast<struct sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<struct sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    storage.ss_family = AF_INET;
  } else if (::inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
    storage.ss_family = AF_INET6;
  } else {
    ADD_FAILURE() << text;
  }
  return isPublicTarget(reinterpret_cast<const struct sockaddr&>(storage));
}

TEST(AddressGuard, RefusesTheNodeItselfAndItsLink) {
  for (const char* bad : {"127.0.0.1",
                          "127.255.1.2",
                          "0.0.0.0",
                          "0.1.2.3",
                          "169.254.169.254",
                          "224.0.0.1",
                          "240.0.0.1",
                          "255.255.255.255",
                          "::",
                          "::1",
                          "fe80::1",
                          "febf::1",
                          "ff02::1",
                          "::ffff:127.0.0.1",
                          "::ffff:169.254.169.254",
                          "::127.0.0.1",
                          "64:ff9b::7f00:1",
                          "64:ff9b::a9fe:a9fe",
                          "100.100.100.200",
                          "192.0.0.192",
                          "168.63.129.16",
                          "::ffff:100.100.100.200",
                          "fec0::1",
                          "feff::1",
                          "fd00:ec2::254",
                          "2002:7f00:1::",
                          "64:ff9b:1::7f00:1"}) {
    EXPECT_FALSE(isPublic(bad)) << bad;
  }
}

TEST(AddressGuard, KnowsLiteralHosts) {
  for (const char* bad : {"127.0.0.1", "169.254.169.254", "[::1]", "[fe80::1]"})
    EXPECT_FALSE(isPublicHost(bad)) << bad;
  for (const char* good : {"10.0.0.1", "[2001:db8::1]", "localhost", "a.test"})
    EXPECT_TRUE(isPublicHost(good)) << good;
}

TEST(AddressGuard, RefusesOtherFamilies) {
  struct sockaddr local {};
  local.sa_family = AF_UNIX;
  EXPECT_FALSE(isPublicTarget(local));
}

TEST(AddressGuard, AllowsTheRest) {
  for (const char* good :
       {"10.0.0.1", "192.168.1.1", "128.0.0.1", "169.253.0.1", "203.0.113.5", "2001:db8::1", "fd00::1",
        "fd00:ec2::255", "64:ff9b:2::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "100.100.100.201"}) {
    EXPECT_TRUE(isPublic(good)) << good;
  }
}

}  // namespace
}  // namespace bulkhead::fetcher
