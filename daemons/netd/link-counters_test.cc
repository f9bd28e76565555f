#include "daemons/netd/link-counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <fstream>
#include <sstream>

namespace bulkhead::netd {
namespace {

Fd watchSocket() {
  return Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
}

// The kernel's other account of the same: name, then eight columns received and eight sent.
std::map<std::string, std::vector<uint64_t>> procNetDev() {
  std::ifstream file("/proc/self/net/dev");
  std::map<std::string, std::vector<uint64_t>> all;
  for (std::string line; std::getline(file, line);) {
    size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::string name = line.substr(line.find_first_not_of(' '), colon - line.find_first_not_of(' '));
    std::istringstream columns(line.substr(colon + 1));
    for (uint64_t value; columns >> value;) all[name].push_back(value);
  }
  return all;
}

TEST(LinkCounters, AreThoseOfProcWithoutLo) {
  auto before = procNetDev();
  auto links = readLinkCounters(watchSocket());
  auto after = procNetDev();
  ASSERT_TRUE(links) << describe(links.error());
  EXPECT_EQ(links->size(), before.size() - before.count("lo"));
  for (const auto& link : *links) {
    ASSERT_TRUE(before.contains(link.name)) << link.name;
    auto between = [&](uint64_t value, size_t column) {
      return value >= before[link.name][column] && value <= after[link.name][column];
    };
    EXPECT_TRUE(between(link.receivedBytes, 0)) << link.name;
    EXPECT_TRUE(between(link.receivedPackets, 1)) << link.name;
    EXPECT_TRUE(between(link.receivedErrors, 2)) << link.name;
    EXPECT_TRUE(between(link.sentBytes, 8)) << link.name;
    EXPECT_TRUE(between(link.sentPackets, 9)) << link.name;
    EXPECT_TRUE(between(link.sentErrors, 10)) << link.name;
  }
}

TEST(LinkCounters, CanBeAskedAgain) {
  Fd socket = watchSocket();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(readLinkCounters(socket));
}

TEST(LinkCounters, WhoDoesNotAnswerIsNotWaitedFor) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  Fd here(ends[0]), there(ends[1]);
  EXPECT_FALSE(readLinkCounters(here));
}

}  // namespace
}  // namespace bulkhead::netd
