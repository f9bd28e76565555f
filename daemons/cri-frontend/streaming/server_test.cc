// The server with real connections; its commands are this test's own children.
#include "daemons/cri-frontend/streaming/server.h"

#include "daemons/cri-frontend/streaming/loopback-test.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kj/async-io.h>

#include <csignal>

#include "daemons/common/base/io.h"
#include "daemons/cri-frontend/streaming/spdy-block.h"

namespace bulkhead::streaming {
namespace {

// A shell's command as an endpoint; killed when nobody wants it any more.
class Shell final : public Endpoint {
 public:
  Shell(kj::Timer& timer, const std::string& command, unsigned& living) : timer_(timer), living_(living) {
    Pipe in = makePipe(), out = makePipe(), err = makePipe();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      ::dup2(in.read.get(), 0);
      ::dup2(out.write.get(), 1);
      ::dup2(err.write.get(), 2);
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    own_ = {std::move(in.write), std::move(out.read), std::move(err.read)};
    ++living_;
  }
  ~Shell() noexcept(false) override {
    --living_;
    (void)::kill(-pid_, SIGKILL);
    if (!reaped_) (void)::waitpid(pid_, nullptr, 0);
  }
  Descriptors takeDescriptors() override { return std::move(own_); }
  void resize(uint16_t, uint16_t) override {}
  cri::Answer<int> ended() override {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      reaped_ = true;
      return Outcome<int>(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    return timer_.afterDelay(2 * kj::MILLISECONDS).then([this]() { return ended(); });
  }

 private:
  kj::Timer& timer_;
  unsigned& living_;
  pid_t pid_ = -1;
  bool reaped_ = false;
  Descriptors own_;
};

class Streaming : public testing::Test {
 protected:
  Streaming()
      : io(std::make_unique<kj::AsyncIoContext>(kj::setupAsyncIo())),
        loop{io->unixEventPort, io->provider->getTimer()},
        server(std::make_unique<Server>(loop, listenOnLoopback(), 1 * kj::HOURS)),
        serving(serve()) {}

  std::string urlFor(const std::string& command, Wanted wanted = {true, true, true, false},
                     Kind kind = Kind::exec) {
    auto start = [this, command]() -> cri::Answer<kj::Own<Endpoint>> {
      kj::Own<Endpoint> shell = kj::heap<Shell>(loop.timer, command, living);
      return Outcome<kj::Own<Endpoint>>(kj::mv(shell));
    };
    return server->offer({kind, wanted, start}).value();
  }
  static std::string pathOf(const std::string& url) { return url.substr(url.find('/', 7)); }
  static std::string upgrade(const std::string& path, const std::string& protocol = "v5.channel.k8s.io") {
    return "GET " + path +
           " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
           "13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " +
           protocol + "\r\n\r\n";
  }
  // Unmasked but for form: a mask of zeros.
  static std::string message(const std::string& body) {
    std::string bytes = "\x82";
    if (body.size() < 126) {
      bytes += static_cast<char>(0x80 | body.size());
    } else {
      bytes += "\xfe";
      bytes += static_cast<char>(body.size() >> 8);
      bytes += static_cast<char>(body.size() & 0xff);
    }
    return bytes + std::string(4, '\0') + body;
  }
  static std::string in(const std::string& body) { return message(std::string(1, '\0') + body); }
  static std::string endOfIn() { return message(std::string("\xff\0", 2)); }

  void pass(kj::Duration time) { loop.timer.afterDelay(time).wait(io->waitScope); }
  template <typename Condition>
  bool becomes(Condition condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) pass(5 * kj::MILLISECONDS);
    return condition();
  }
  // Sends, and reads until the server closes.
  std::string talk(Fd client, const std::string& request) {
    EXPECT_TRUE(writeAll(client.get(), request));
    return readAll(client);
  }
  std::string readAll(const Fd& client) {
    std::string all;
    char buffer[65536];
    for (int i = 0; i < 2000;) {
      ssize_t n = ::recv(client.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return all;
      if (n > 0) {
        all.append(buffer, static_cast<size_t>(n));
      } else {
        pass(5 * kj::MILLISECONDS);
        ++i;
      }
    }
    ADD_FAILURE() << "the server does not close";
    return all;
  }
  // The bodies of the server's messages by channel.
  static std::map<int, std::string> channels(std::string bytes) {
    std::map<int, std::string> found;
    bytes.erase(0, bytes.find("\r\n\r\n") + 4);
    while (bytes.size() >= 2) {
      size_t size = static_cast<unsigned char>(bytes[1]);
      size_t lengthBytes = size == 126 ? 2 : size == 127 ? 8 : 0, head = 2 + lengthBytes;
      if (lengthBytes > 0) size = 0;
      for (size_t k = 0; k < lengthBytes; ++k) size = size << 8 | static_cast<unsigned char>(bytes[2 + k]);
      std::string body = bytes.substr(head, size);
      if (bytes[0] == '\x82') found[body[0]] += body.substr(1);
      bytes.erase(0, head + size);
    }
    return found;
  }

  // Held so that the fixture's destructor is as its base's: KJ's may throw.
  std::unique_ptr<kj::Promise<void>> serve() {
    return std::make_unique<kj::Promise<void>>(server->run().eagerlyEvaluate([](kj::Exception&&) {}));
  }

  unsigned living = 0;
  std::unique_ptr<kj::AsyncIoContext> io;
  EventLoop loop;
  std::unique_ptr<Server> server;
  std::unique_ptr<kj::Promise<void>> serving;
};

TEST_F(Streaming, RunsACommand) {
  std::string url = urlFor("echo out; echo err >&2; exit 3", {false, true, true, false});
  auto said = channels(talk(connectBack(url.substr(0, url.find('/', 7))), upgrade(pathOf(url))));
  EXPECT_EQ(said[1], "out\n");
  EXPECT_EQ(said[2], "err\n");
  EXPECT_NE(said[3].find(R"("message":"3","reason":"ExitCode")"), std::string::npos) << said[3];
  EXPECT_TRUE(becomes([this] { return living == 0 && server->sessions() == 0; }));
}

TEST_F(Streaming, EndsInputWhenTheClientDoes) {
  std::string url = urlFor("cat; echo end"), body(30000, 'x');
  Fd client = connectBack(url.substr(0, url.find('/', 7)));
  std::string all = upgrade(pathOf(url));
  for (int i = 0; i < 5; ++i) all += in(body);
  auto said = channels(talk(std::move(client), all + endOfIn()));
  EXPECT_EQ(said[1], body + body + body + body + body + "end\n");
  EXPECT_NE(said[3].find("Success"), std::string::npos);
}

// An orphan holds the pipe's other end; what the command wrote is there all the same, and no more is waited
// for.
TEST_F(Streaming, DoesNotWaitForOrphans) {
  std::string url = urlFor("sleep 30 & echo out", {false, true, true, false});
  auto said = channels(talk(connectBack(url.substr(0, url.find('/', 7))), upgrade(pathOf(url))));
  EXPECT_EQ(said[1], "out\n");
  EXPECT_NE(said[3].find("Success"), std::string::npos);
}

TEST_F(Streaming, LetsATokenInOnce) {
  std::string url = urlFor("echo out"), base = url.substr(0, url.find('/', 7));
  EXPECT_TRUE(talk(connectBack(base), upgrade(pathOf(url))).starts_with("HTTP/1.1 101 "));
  EXPECT_TRUE(talk(connectBack(base), upgrade(pathOf(url))).starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(talk(connectBack(base), upgrade("/exec/" + std::string(64, '0'))).starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(talk(connectBack(base), upgrade("/")).starts_with("HTTP/1.1 404 "));
}

// A token is for one thing, and used up by whatever it was brought for.
TEST_F(Streaming, BindsATokenToItsRequest) {
  std::string url = urlFor("echo out"), base = url.substr(0, url.find('/', 7)),
              token = url.substr(url.rfind('/') + 1);
  EXPECT_TRUE(talk(connectBack(base), upgrade("/attach/" + token)).starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(talk(connectBack(base), upgrade("/exec/" + token)).starts_with("HTTP/1.1 404 "));
  url = urlFor("echo out");
  EXPECT_TRUE(talk(connectBack(base), upgrade(pathOf(url), "chat")).starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(talk(connectBack(base), upgrade(pathOf(url))).starts_with("HTTP/1.1 404 "));
  EXPECT_EQ(living, 0U);
}

TEST_F(Streaming, AnswersOnlyFourHundreds) {
  std::string url = urlFor("true"), base = url.substr(0, url.find('/', 7));
  for (const std::string& request : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("garbage\r\n\r\n"),
                                     "GET " + pathOf(url) + " HTTP/1.1\r\n\r\n",
                                     std::string(limits::head + 100, 'x'), std::string("\r\n\r\n")}) {
    std::string answer = talk(connectBack(base), request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 4")) << answer;
    EXPECT_EQ(answer.find("Location"), std::string::npos);
  }
}

TEST_F(Streaming, KillsTheCommandOfAClientThatLeaves) {
  std::string url = urlFor("exec sleep 100");
  Fd client = connectBack(url.substr(0, url.find('/', 7)));
  ASSERT_TRUE(writeAll(client.get(), upgrade(pathOf(url))));
  EXPECT_TRUE(becomes([this] { return living == 1; }));
  client.reset();
  EXPECT_TRUE(becomes([this] { return living == 0 && server->sessions() == 0; }));
}

// Nobody reads the input, so nothing more is read of the client; that it leaves is seen all the same.
TEST_F(Streaming, SeesAClientLeaveWhoseInputIsStuck) {
  std::string url = urlFor("exec sleep 100");
  Fd client = connectBack(url.substr(0, url.find('/', 7)));
  ASSERT_TRUE(writeAll(client.get(), upgrade(pathOf(url))));
  std::string piece = in(std::string(32000, 'x'));
  size_t sent = 0;
  for (int idle = 0; idle < 20;) {
    ssize_t n = ::send(client.get(), piece.data() + sent % piece.size(), piece.size() - sent % piece.size(),
                       MSG_DONTWAIT);
    if (n > 0) sent += static_cast<size_t>(n);
    idle = n > 0 ? 0 : idle + 1;
    pass(5 * kj::MILLISECONDS);
  }
  EXPECT_GT(sent, limits::queued);
  EXPECT_LT(sent, 32U << 20);  // TCP's own queues, ours and the pipe's
  EXPECT_EQ(living, 1U);
  client.reset();
  EXPECT_TRUE(becomes([this] { return living == 0; }));
}

// The command waits, and nobody else does.
TEST_F(Streaming, HoldsUpACommandWhoseClientDoesNotRead) {
  std::string url = urlFor("yes", {false, true, false, false}), base = url.substr(0, url.find('/', 7));
  Fd stuck = connectBack(base);
  ASSERT_TRUE(writeAll(stuck.get(), upgrade(pathOf(url))));
  pass(200 * kj::MILLISECONDS);
  EXPECT_EQ(living, 1U);
  std::string other = urlFor("echo out", {false, true, true, false});
  EXPECT_EQ(channels(talk(connectBack(base), upgrade(pathOf(other))))[1], "out\n");
  stuck.reset();
  EXPECT_TRUE(becomes([this] { return living == 0; }));
}

TEST_F(Streaming, TurnsTheOldestStrangerAwayForANewOne) {
  std::string url = urlFor("echo out", {false, true, true, false}), base = url.substr(0, url.find('/', 7));
  std::vector<Fd> strangers;
  for (size_t i = 0; i < 2 * limits::strangers; ++i) {
    strangers.push_back(connectBack(base));
    if (i % 10 == 0) pass(1 * kj::MILLISECONDS);
  }
  EXPECT_EQ(channels(talk(connectBack(base), upgrade(pathOf(url))))[1], "out\n");
  EXPECT_EQ(readAll(strangers.front()), "");
}

TEST_F(Streaming, HasOnlySoManySessions) {
  std::vector<Fd> clients;
  for (size_t i = 0; i < limits::sessions; ++i) {
    std::string url = urlFor("exec sleep 100");
    clients.push_back(connectBack(url.substr(0, url.find('/', 7))));
    ASSERT_TRUE(writeAll(clients.back().get(), upgrade(pathOf(url))));
    EXPECT_TRUE(becomes([&, this] { return living == i + 1; }));
  }
  std::string url = urlFor("true"), base = url.substr(0, url.find('/', 7));
  EXPECT_TRUE(talk(connectBack(base), upgrade(pathOf(url))).starts_with("HTTP/1.1 429 "));
  clients.clear();
  EXPECT_TRUE(becomes([this] { return living == 0 && server->sessions() == 0; }));
}

TEST_F(Streaming, EndsWhoIsIdle) {
  serving.reset();
  server = std::make_unique<Server>(loop, listenOnLoopback(), 50 * kj::MILLISECONDS);
  serving = serve();
  std::string url = urlFor("exec sleep 100");
  std::string answer = talk(connectBack(url.substr(0, url.find('/', 7))), upgrade(pathOf(url)));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 "));
  EXPECT_TRUE(becomes([this] { return living == 0; }));
}

TEST_F(Streaming, SaysWhyACommandDoesNotStart) {
  Session::Start start = []() -> cri::Answer<kj::Own<Endpoint>> {
    return cri::refused<kj::Own<Endpoint>>({Code::failedPrecondition, "container_id", "is not running"});
  };
  std::string url = server->offer({Kind::exec, {false, true, true, false}, start}).value();
  auto said = channels(talk(connectBack(url.substr(0, url.find('/', 7))), upgrade(pathOf(url))));
  EXPECT_NE(said[3].find("is not running"), std::string::npos);
  start = []() -> cri::Answer<kj::Own<Endpoint>> { throw std::runtime_error("/secret/path"); };
  url = server->offer({Kind::exec, {false, true, true, false}, start}).value();
  said = channels(talk(connectBack(url.substr(0, url.find('/', 7))), upgrade(pathOf(url))));
  EXPECT_NE(said[3].find("Failure"), std::string::npos);
  EXPECT_EQ(said[3].find("secret"), std::string::npos);
}

TEST_F(Streaming, SpeaksSpdy) {
  auto number = [](uint32_t value) {
    return std::string{static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                       static_cast<char>(value >> 8), static_cast<char>(value)};
  };
  BlockWriter block;
  auto syn = [&](uint32_t stream, const char* type) {
    std::string body =
        number(stream) + number(0) + std::string(2, '\0') + block.write({{"streamtype", type}});
    return number(0x80030001) + number(static_cast<uint32_t>(body.size())) + body;
  };
  std::string url = urlFor("cat; exit 7", {true, true, false, false});
  std::string request =
      "POST " + pathOf(url) +
      " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n"
      "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n";
  request += syn(1, "error");
  request += syn(3, "stdin");
  request += syn(5, "stdout");
  request += number(3) + number(0x01000005) + "hello";
  std::string answer = talk(connectBack(url.substr(0, url.find('/', 7))), request);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 "));
  size_t out = answer.find(number(5) + number(5) + "hello");
  size_t end = answer.find(number(5) + number(0x01000000));
  size_t status = answer.find(R"("message":"7")");
  size_t goAway = answer.find(number(0x80030007));
  EXPECT_TRUE(out < end && end < status && status < goAway && goAway < answer.size());
}

}  // namespace
}  // namespace bulkhead::streaming
