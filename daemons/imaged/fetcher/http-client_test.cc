#include "daemons/imaged/fetcher/http-client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "daemons/common/base/fd.h"

namespace bulkhead::fetcher {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A server on the loopback address that answers its one client with `pieces`, a pause before each.
class Server {
 public:
  Server(std::vector<std::string> pieces, std::chrono::milliseconds pause)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    struct sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<struct sockaddr*>(&address);
    if (::bind(listener_.get(), raw, size) != 0 || ::listen(listener_.get(), 1) != 0 ||
        ::getsockname(listener_.get(), raw, &size) != 0) {
      std::abort();
    }
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::thread([this, pieces = std::move(pieces), pause] { serve(pieces, pause); });
  }
  ~Server() {
    (void)::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  HttpRequest request() const { return {.url = Url::parse(url_).value(), .anyAddress = true}; }

 private:
  void serve(const std::vector<std::string>& pieces, std::chrono::milliseconds pause) const {
    Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    for (const std::string& piece : pieces) {
      std::this_thread::sleep_for(pause);
      if (::send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return;
    }
  }

  Fd listener_;
  std::string url_;
  std::thread thread_;
};

std::vector<std::string> bodyOf(size_t pieces, const std::string& piece) {
  std::vector<std::string> all{"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(pieces * piece.size()) +
                               "\r\n\r\n"};
  all.insert(all.end(), pieces, piece);
  return all;
}

bool takeAll(const HttpResponse&, std::string_view) {
  return true;
}

class HttpClientTest : public ::testing::Test {
 protected:
  SocketPair control_ = makeSocketPair(SOCK_SEQPACKET);
  HttpClient http_{control_.first.get(), 1s};
};

TEST_F(HttpClientTest, ADripOfBytesIsNoProgress) {
  Server server(bodyOf(100, "x"), 100ms);
  Clock::time_point began = Clock::now();
  auto response = http_.exchange(server.request(), takeAll);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error(), Transport::timedOut);
  EXPECT_LT(Clock::now() - began, 4s);
}

TEST_F(HttpClientTest, ASlowLineIsProgress) {
  Server server(bodyOf(15, std::string(32768, 'x')), 200ms);
  auto response = http_.exchange(server.request(), takeAll);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
}

TEST_F(HttpClientTest, ASlowReceiverIsNotTheServersFault) {
  Server server(bodyOf(4, "x"), 300ms);
  auto response = http_.exchange(server.request(), [](const HttpResponse&, std::string_view) {
    std::this_thread::sleep_for(600ms);
    return true;
  });
  EXPECT_TRUE(response);
}

TEST_F(HttpClientTest, AllExchangesTogetherHaveAnEnd) {
  Server server(bodyOf(100, std::string(65536, 'x')), 100ms);
  http_.finishWithin(500ms);
  Clock::time_point began = Clock::now();
  auto response = http_.exchange(server.request(), takeAll);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error(), Transport::timedOut);
  http_.pause(10s);
  EXPECT_EQ(http_.exchange(server.request(), takeAll).error(), Transport::timedOut);
  EXPECT_LT(Clock::now() - began, 3s);
}

}  // namespace
}  // namespace bulkhead::fetcher
