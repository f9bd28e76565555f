#include "daemons/netd/netns-helper/pump.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <thread>

#include "daemons/common/base/io.h"

namespace bulkhead::netns {
namespace {

// A pump between two pairs: what is said at one far end comes out at the other.
class Pumped : public testing::Test {
 protected:
  Pumped() {
    SocketPair left = makeSocketPair(SOCK_STREAM), right = makeSocketPair(SOCK_STREAM);
    client = std::move(left.first);
    port = std::move(right.first);
    pumping = std::thread([a = std::move(left.second), b = std::move(right.second)]() { pump(a, b); });
  }
  ~Pumped() override {
    client.reset();
    port.reset();
    pumping.join();
  }
  static std::string all(const Fd& from) {
    std::string heard;
    char bytes[4096];
    ssize_t n = 0;
    while ((n = ::recv(from.get(), bytes, sizeof bytes, 0)) > 0) heard.append(bytes, static_cast<size_t>(n));
    return heard;
  }
  static void endWriting(const Fd& to) { EXPECT_EQ(::shutdown(to.get(), SHUT_WR), 0); }

  Fd client, port;
  std::thread pumping;
};

TEST_F(Pumped, EachSideEndsByItself) {
  ASSERT_TRUE(writeAll(client.get(), "question"));
  endWriting(client);
  EXPECT_EQ(all(port), "question");
  ASSERT_TRUE(writeAll(port.get(), "answer"));
  endWriting(port);
  EXPECT_EQ(all(client), "answer");
}

TEST_F(Pumped, MoreThanItHoldsGoesBothWaysAtOnce) {
  const std::string much(8 << 20, 'x'), more(9 << 20, 'y');
  auto say = [](const Fd& to, const std::string& what) {
    EXPECT_TRUE(writeAll(to.get(), what));
    endWriting(to);
  };
  std::thread first([&] { say(client, much); });
  std::thread second([&] { say(port, more); });
  std::string atClient;
  std::thread reader([&] { atClient = all(client); });
  EXPECT_EQ(all(port), much);
  reader.join();
  first.join();
  second.join();
  EXPECT_EQ(atClient, more);
}

// The port says nothing and never leaves.
TEST_F(Pumped, TheClientsGoingEndsItAfterItsLastWords) {
  ASSERT_TRUE(writeAll(client.get(), "bye"));
  client.reset();
  EXPECT_EQ(all(port), "bye");
  pumping.join();
  pumping = std::thread([] {});
}

TEST_F(Pumped, APortThatReadsNothingHoldsItUntilItLeaves) {
  const std::string some(64 << 10, 'x');
  while (::send(client.get(), some.data(), some.size(), MSG_DONTWAIT) > 0) {
  }
  client.reset();
  port.reset();
  pumping.join();
  pumping = std::thread([] {});
}

TEST_F(Pumped, ThePortsGoingReachesTheClient) {
  ASSERT_TRUE(writeAll(port.get(), "last"));
  port.reset();
  EXPECT_EQ(all(client), "last");
}

}  // namespace
}  // namespace bulkhead::netns
