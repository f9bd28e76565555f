// Forwarded ports over real connections; the pod's side is this test.
#include "daemons/cri-frontend/streaming/port-forward.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <map>
#include <memory>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/io.h"
#include "daemons/cri-frontend/streaming/loopback-test.h"
#include "daemons/cri-frontend/streaming/server.h"
#include "daemons/cri-frontend/streaming/spdy-block.h"

namespace bulkhead::streaming {
namespace {

TEST(ForwardHeaders, AreAPortAndARequest) {
  auto read = readForwardHeaders(3, {{"streamtype", "data"}, {"port", "80"}, {"requestid", "7"}});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->port, 80);
  EXPECT_EQ(read->request, "7");
  EXPECT_FALSE(read->isError);
  auto error = readForwardHeaders(1, {{"streamtype", "error"}, {"port", "80"}});
  auto data = readForwardHeaders(3, {{"streamtype", "data"}, {"port", "80"}});
  ASSERT_TRUE(error && data);
  EXPECT_EQ(error->request, data->request);
  for (const char* port : {"0", "65536", "-1", "", "80 ", "0x50"})
    EXPECT_FALSE(readForwardHeaders(1, {{"streamtype", "data"}, {"port", port}})) << port;
  EXPECT_FALSE(readForwardHeaders(1, {{"streamtype", "stdin"}, {"port", "80"}}));
  EXPECT_FALSE(
      readForwardHeaders(1, {{"streamtype", "data"}, {"port", "80"}, {"requestid", std::string(100, '1')}}));
}

std::string number(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}
std::string control(uint16_t type, const std::string& body) {
  return number(0x80030000U | type) + number(static_cast<uint32_t>(body.size())) + body;
}
std::string data(StreamId stream, const std::string& body, bool last = false) {
  return number(stream) + number((last ? 1U << 24 : 0U) | static_cast<uint32_t>(body.size())) + body;
}

class Forwarding : public testing::Test {
 protected:
  Forwarding()
      : io(std::make_unique<kj::AsyncIoContext>(kj::setupAsyncIo())),
        server(std::make_unique<Server>(EventLoop{io->unixEventPort, io->provider->getTimer()},
                                        listenOnLoopback(), 1 * kj::HOURS)),
        serving(std::make_unique<kj::Promise<void>>(server->run().eagerlyEvaluate([](kj::Exception&&) {}))) {
    auto dial = [this](uint16_t port) -> cri::Answer<Fd> {
      if (port == 81) return cri::refused<Fd>({Code::unavailable, "", "connection refused"});
      SocketPair pair = makeSocketPair(SOCK_STREAM);
      pod.emplace(port, std::move(pair.second));
      return Outcome<Fd>(std::move(pair.first));
    };
    url = server->offer({Kind::portForward, {}, nullptr, {80, 81, 82, 83}, dial}).value();
    client = connectBack(url.substr(0, url.find('/', 7)));
    say("POST " + url.substr(url.find('/', 7)) +
        " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n"
        "X-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n");
  }
  // The streams of one connection: the error's, and the next.
  void open(StreamId error, uint16_t port) {
    for (StreamId stream : {error, error + 2}) {
      StreamHeaders headers{{"streamtype", stream == error ? "error" : "data"},
                            {"port", std::to_string(port)},
                            {"requestid", std::to_string(error)}};
      say(control(1, number(stream) + number(0) + std::string(2, '\0') + block.write(headers)));
    }
    say(data(error, "", true));
  }
  void say(const std::string& bytes) { EXPECT_TRUE(writeAll(client.get(), bytes)); }
  void pass() { io->provider->getTimer().afterDelay(5 * kj::MILLISECONDS).wait(io->waitScope); }
  template <typename Condition>
  bool becomes(Condition condition) {
    for (int i = 0; i < 400 && !condition(); ++i) pass();
    return condition();
  }
  // What has come from `fd` so far, added to `all`; false at its end.
  static bool more(const Fd& fd, std::string& all) {
    char buffer[65536];
    ssize_t n = 0;
    while ((n = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
      all.append(buffer, static_cast<size_t>(n));
    return n < 0 && errno == EAGAIN;
  }
  bool hears(const Fd& fd, std::string& all, const std::string& bytes) {
    return becomes([&] { return (void)more(fd, all), all.find(bytes) != std::string::npos; });
  }

  std::unique_ptr<kj::AsyncIoContext> io;
  std::unique_ptr<Server> server;
  std::unique_ptr<kj::Promise<void>> serving;
  std::map<uint16_t, Fd> pod;
  std::string url;
  Fd client;
  BlockWriter block;
  std::string heard;
};

TEST_F(Forwarding, CarriesEachPairByItself) {
  open(1, 80);
  open(5, 82);
  say(data(3, "to 80") + data(7, "to 82"));
  ASSERT_TRUE(becomes([this] { return pod.size() == 2; }));
  std::string at80, at82;
  EXPECT_TRUE(hears(pod[80], at80, "to 80"));
  EXPECT_TRUE(hears(pod[82], at82, "to 82"));
  EXPECT_TRUE(writeAll(pod[80].get(), "from 80"));
  EXPECT_TRUE(writeAll(pod[82].get(), "from 82"));
  EXPECT_TRUE(hears(client, heard, number(3) + number(7) + "from 80"));
  EXPECT_TRUE(hears(client, heard, number(7) + number(7) + "from 82"));
}

TEST_F(Forwarding, PassesOnTheEndOfEitherSide) {
  open(1, 80);
  say(data(3, "question", true));
  ASSERT_TRUE(becomes([this] { return pod.size() == 1; }));
  std::string at80;
  EXPECT_TRUE(becomes([&] { return !more(pod[80], at80); }));
  EXPECT_EQ(at80, "question");
  EXPECT_TRUE(writeAll(pod[80].get(), "answer"));
  pod.clear();
  EXPECT_TRUE(hears(client, heard, number(3) + number(6) + "answer" + data(3, "", true)));
  EXPECT_TRUE(hears(client, heard, data(1, "", true)));
}

TEST_F(Forwarding, SaysWhatWentWrongOnThatPairOnly) {
  open(1, 81);
  EXPECT_TRUE(hears(client, heard, "connection refused"));
  EXPECT_TRUE(hears(client, heard, data(1, "", true)));
  EXPECT_TRUE(hears(client, heard, data(3, "", true)));
  open(5, 80);
  say(data(7, "x"));
  EXPECT_TRUE(becomes([this] { return pod.contains(80); }));
}

TEST_F(Forwarding, EndsOnlyThePairThatTheClientResets) {
  open(1, 80);
  open(5, 82);
  ASSERT_TRUE(becomes([this] { return pod.size() == 2; }));
  say(control(3, number(3) + number(5)));
  std::string at80, at82;
  EXPECT_TRUE(becomes([&] { return !more(pod[80], at80); }));
  say(data(7, "still"));
  EXPECT_TRUE(hears(pod[82], at82, "still"));
}

TEST_F(Forwarding, ForwardsNoOtherPorts) {
  open(1, 90);
  EXPECT_TRUE(hears(client, heard, control(3, number(1) + number(3))));
  EXPECT_TRUE(hears(client, heard, control(3, number(3) + number(3))));
  EXPECT_TRUE(pod.empty());
}

TEST_F(Forwarding, LetsGoOfEverythingWithItsClient) {
  for (StreamId i = 0; i < 3; ++i) open(4 * i + 1, static_cast<uint16_t>(i == 0 ? 80 : 81 + i));
  ASSERT_TRUE(becomes([this] { return pod.size() == 3; }));
  client.reset();
  for (auto& [port, socket] : pod) {
    std::string rest;
    EXPECT_TRUE(becomes([&] { return !more(socket, rest); })) << port;
  }
  EXPECT_TRUE(becomes([this] { return server->sessions() == 0; }));
}

// Half a pair, dropped, again and again: nothing of it stays.
TEST_F(Forwarding, KeepsNothingOfHalfAPair) {
  for (StreamId stream = 1; stream < 2000; stream += 2) {
    StreamHeaders headers{{"streamtype", "error"}, {"port", "80"}, {"requestid", std::to_string(stream)}};
    say(control(1, number(stream) + number(0) + std::string(2, '\0') + block.write(headers)) +
        control(3, number(stream) + number(5)));
    if (stream % 101 == 0) pass();
    (void)more(client, heard);
  }
  open(2001, 80);
  EXPECT_TRUE(becomes([this] { return pod.size() == 1; }));
}

}  // namespace
}  // namespace bulkhead::streaming
