#include <gtest/gtest.h>

#include "daemons/cri-frontend/streaming/framing-test.h"
#include "daemons/cri-frontend/streaming/limits.h"
#include "daemons/cri-frontend/streaming/websocket-framing.h"

namespace bulkhead::streaming {
namespace {

enum { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// A client's frame; `final` as its first bit.
std::string frame(uint8_t opcode, std::string body, bool final = true, const std::string& mask = "abcd") {
  std::string bytes(1, static_cast<char>((final ? 0x80 : 0) | opcode));
  int lengthBytes = body.size() < 126 ? 0 : body.size() < 65536 ? 2 : 8;
  bytes += static_cast<char>(0x80 | (lengthBytes == 0 ? body.size() : lengthBytes == 2 ? 126U : 127U));
  for (int i = lengthBytes - 1; i >= 0; --i) bytes += static_cast<char>(body.size() >> (8 * i) & 0xff);
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(body[i] ^ mask[i % 4]);
  return bytes + mask + body;
}
std::string channel(uint8_t number, const std::string& body) {
  return frame(binary, std::string(1, static_cast<char>(number)) + body);
}

struct Side {
  explicit Side(WebSocketFraming::Kind kind = {}) : framing(kind) {
    framing.begin(heard);
    framing.output().clear();
  }
  bool feed(const std::string& bytes) { return framing.feed(bytes, heard).has_value(); }
  std::string takeOutput() { return std::exchange(framing.output(), ""); }
  Listener heard;
  WebSocketFraming framing;
};

TEST(WebSocket, HasAllChannelsAndSaysSo) {
  WebSocketFraming framing({});
  Listener heard;
  framing.begin(heard);
  EXPECT_EQ(heard.said[0], "streamtype=stdin;");
  EXPECT_EQ(heard.said[4], "streamtype=resize;");
  EXPECT_EQ(framing.output(), "\x82\x01\x01");  // an empty message of stdout
}

TEST(WebSocket, CarriesMessagesHoweverTheyAreCut) {
  std::string large(70000, 'x');
  std::string bytes = channel(0, "hello") + frame(binary, std::string("\0 wor", 5), false) +
                      frame(ping, "are you there") + frame(continuation, "", false) +
                      frame(continuation, "ld") + channel(0, large) + channel(9, "nowhere") +
                      frame(binary, "") + frame(pong, "");
  Side quick, odd, slow;
  EXPECT_TRUE(quick.feed(bytes));
  EXPECT_TRUE(feedSlowly(slow.framing, slow.heard, bytes));
  for (size_t at = 0; at < bytes.size(); at += 10001) EXPECT_TRUE(odd.feed(bytes.substr(at, 10001)));
  for (Side* side : {&quick, &odd, &slow}) {
    EXPECT_EQ(side->heard.data[0], "hello world" + large);
    EXPECT_EQ(side->heard.data.size(), 1U);
    EXPECT_EQ(side->takeOutput(),
              "\x8a\x0d"
              "are you there");
  }
}

TEST(WebSocket, SendsMessages) {
  Side side;
  side.framing.send(1, "out");
  EXPECT_EQ(side.takeOutput(), "\x82\x04\x01out");
  side.framing.send(2, std::string(1000, 'e'));
  EXPECT_EQ(side.takeOutput(), "\x82\x7e\x03\xe9\x02" + std::string(1000, 'e'));
  EXPECT_EQ(side.framing.room(1), limits::oneRead);
  EXPECT_EQ(side.framing.room(7), 0U);
  side.framing.end(1);
  EXPECT_EQ(side.framing.room(1), 0U);
  side.framing.close();
  side.framing.send(2, "late");
  EXPECT_EQ(side.takeOutput(), "\x88\x02\x03\xe8");
}

TEST(WebSocket, EndsAChannelByTheSignalOfVersion5) {
  Side five({.base64 = false, .closeSignal = true}), four;
  std::string signal = frame(binary, std::string("\xff\0", 2));
  EXPECT_TRUE(five.feed(channel(0, "a") + signal + channel(0, "late") + signal + frame(binary, "\xff\x09")));
  EXPECT_EQ(five.heard.data[0], "a");
  EXPECT_TRUE(five.heard.ends.contains(0));
  EXPECT_FALSE(five.feed(frame(binary, "\xff")));
  EXPECT_TRUE(four.feed(signal));
  EXPECT_TRUE(four.heard.ends.empty());
}

TEST(WebSocket, SpeaksBase64) {
  Side side({.base64 = true, .closeSignal = false});
  EXPECT_TRUE(side.feed(frame(text, "0aGVsb", false) + frame(continuation, "G8=") + frame(text, "0")));
  EXPECT_EQ(side.heard.data[0], "hello");
  side.framing.send(1, "hello");
  EXPECT_EQ(side.takeOutput(),
            "\x81\x09"
            "1aGVsbG8=");
  EXPECT_FALSE(side.feed(frame(text, "0not base64!")));
  Side other({.base64 = true, .closeSignal = false});
  EXPECT_FALSE(other.feed(frame(text, "0" + std::string(limits::textMessage + 1, 'A'))));
}

TEST(WebSocket, ClosesWithItsClient) {
  Side side;
  EXPECT_FALSE(side.feed(frame(close, "\x03\xe8")));
  EXPECT_EQ(side.takeOutput(), "\x88\x02\x03\xe8");
}

TEST(WebSocket, EndsWithAClientThatSpeaksSomethingElse) {
  std::string unmasked = frame(binary, "\1x");
  unmasked[1] = static_cast<char>(unmasked[1] & 0x7f);
  std::string reserved = frame(binary, "\1x");
  reserved[0] = static_cast<char>(reserved[0] | 0x40);
  const std::string bad[] = {
      unmasked,
      reserved,
      frame(continuation, "x"),
      frame(binary, "\1x", false) + frame(binary, "\1y"),
      frame(3, "x"),
      frame(11, "x"),
      frame(ping, "x", false),
      frame(ping, std::string(126, 'x')),
      std::string("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff") + "abcd",
  };
  for (const std::string& bytes : bad) {
    Side side;
    EXPECT_FALSE(side.feed(bytes)) << &bytes - bad;
    EXPECT_TRUE(side.takeOutput().starts_with("\x88\x02\x03\xea"));
  }
}

}  // namespace
}  // namespace bulkhead::streaming
