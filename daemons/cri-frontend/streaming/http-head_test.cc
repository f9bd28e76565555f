#include "daemons/cri-frontend/streaming/http-head.h"

#include <gtest/gtest.h>

#include "daemons/cri-frontend/streaming/remote-command.h"

namespace bulkhead::streaming {
namespace {

const std::string webSocket =
    "GET /exec/t?x=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: v9.x, v5.channel.k8s.io , v4.channel.k8s.io\r\n\r\n";
const std::string spdy =
    "POST /exec/t HTTP/1.1\r\nHost: a\r\nconnection: upgrade\r\nupgrade: SPDY/3.1\r\nContent-Length: 0\r\n"
    "X-Stream-Protocol-Version: v4.channel.k8s.io\r\nX-Stream-Protocol-Version: v3.channel.k8s.io\r\n\r\n";

std::string with(std::string head, const std::string& from, const std::string& to) {
  size_t at = head.find(from);
  if (at == std::string::npos) throw std::logic_error("not there: " + from);
  return head.replace(at, from.size(), to);
}

int statusOf(const std::string& head) {
  auto parsed = parseHead(head);
  return parsed ? 101 : parsed.error();
}

TEST(HttpHead, IsWholeAtTheEmptyLine) {
  EXPECT_EQ(headLength(spdy), spdy.size());
  EXPECT_EQ(headLength(spdy + "more"), spdy.size());
  for (size_t n = 0; n < spdy.size(); ++n) EXPECT_EQ(headLength(spdy.substr(0, n)), 0U);
}

TEST(HttpHead, ReadsAWebSocketsUpgrade) {
  auto upgrade = parseHead(webSocket);
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->path, "/exec/t");
  EXPECT_EQ(upgrade->transport, Transport::webSocket);
  EXPECT_EQ(upgrade->protocols, (std::vector<std::string>{"v9.x", "v5.channel.k8s.io", "v4.channel.k8s.io"}));
  // RFC 6455, section 1.3
  std::string answer = acceptance(*upgrade, "v5.channel.k8s.io");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 "));
  EXPECT_NE(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
  EXPECT_NE(answer.find("Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST(HttpHead, ReadsSpdysUpgrade) {
  auto upgrade = parseHead(spdy);
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->transport, Transport::spdy);
  EXPECT_EQ(upgrade->protocols, (std::vector<std::string>{"v4.channel.k8s.io", "v3.channel.k8s.io"}));
  std::string answer = acceptance(*upgrade, "v4.channel.k8s.io");
  EXPECT_NE(answer.find("Upgrade: SPDY/3.1\r\n"), std::string::npos);
  EXPECT_NE(answer.find("X-Stream-Protocol-Version: v4.channel.k8s.io\r\n"), std::string::npos);
}

TEST(HttpHead, RefusesEverythingElse) {
  EXPECT_EQ(statusOf(with(spdy, "POST", "PUT")), 405);
  EXPECT_EQ(statusOf(with(spdy, "POST", "GET")), 101);
  EXPECT_EQ(statusOf(with(spdy, "HTTP/1.1", "HTTP/1.0")), 400);
  EXPECT_EQ(statusOf(with(spdy, "HTTP/1.1", "HTTP/2")), 400);
  EXPECT_EQ(statusOf(with(spdy, "/exec/t", "http://elsewhere/exec/t")), 400);
  EXPECT_EQ(statusOf(with(spdy, "Content-Length: 0", "Content-Length: 5")), 400);
  EXPECT_EQ(statusOf(with(spdy, "Content-Length: 0", "Transfer-Encoding: chunked")), 400);
  EXPECT_EQ(statusOf(with(spdy, "SPDY/3.1", "h2c")), 400);
  EXPECT_EQ(statusOf(with(spdy, "connection: upgrade", "connection: close")), 400);
  EXPECT_EQ(statusOf(with(spdy, "Host: a", std::string("Host: a\0b", 9))), 400);
  EXPECT_EQ(statusOf(with(spdy, "Host: a", "Host: a\nX: y")), 400);
  EXPECT_EQ(statusOf(with(spdy, "Host: a", "Host: \xc3\xa4")), 400);
  EXPECT_EQ(statusOf(with(webSocket, "Version: 13", "Version: 8")), 426);
  EXPECT_EQ(statusOf(with(webSocket, "dGhlIHNhbXBsZSBub25jZQ==", "short")), 400);
  for (const char* text : {"", "\r\n\r\n", "GET\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", " HTTP/1.1\r\n\r\n"})
    EXPECT_EQ(statusOf(text) / 100, 4) << text;
}

TEST(HttpHead, AnswersNeverRedirect) {
  for (int status : {400, 403, 404, 405, 408, 426, 429, 431}) {
    std::string text = refusal(status, spdyProtocols());
    EXPECT_TRUE(text.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
    EXPECT_EQ(text.find("Location"), std::string::npos);
    EXPECT_NE(text.find("Content-Length: 0\r\n"), std::string::npos);
    EXPECT_EQ(headLength(text), text.size());
  }
}

}  // namespace
}  // namespace bulkhead::streaming
