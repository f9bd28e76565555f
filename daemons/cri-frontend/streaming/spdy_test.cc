#include <gtest/gtest.h>

#include "daemons/cri-frontend/streaming/framing-test.h"
#include "daemons/cri-frontend/streaming/limits.h"
#include "daemons/cri-frontend/streaming/spdy-framing.h"

namespace bulkhead::streaming {
namespace {

std::string number(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}
std::string control(uint16_t type, uint8_t flags, const std::string& body) {
  return number(0x80030000U | type) +
         number(static_cast<uint32_t>(flags) << 24 | static_cast<uint32_t>(body.size())) + body;
}
std::string data(StreamId stream, const std::string& body, uint8_t flags = 0) {
  return number(stream) + number(static_cast<uint32_t>(flags) << 24 | static_cast<uint32_t>(body.size())) +
         body;
}
// One after the other: a block's bytes depend on those before it.
std::string join(std::initializer_list<std::string> frames) {
  std::string all;
  for (const std::string& frame : frames) all += frame;
  return all;
}
std::string windowUpdate(StreamId stream, uint32_t more) {
  return control(9, 0, number(stream) + number(more));
}
std::string initialWindow(uint32_t size) {
  return control(4, 0, number(1) + number(7) + number(size));
}

// A client's side of the framing.
struct Client {
  std::string syn(StreamId stream, const StreamHeaders& headers, uint8_t flags = 0) {
    return control(1, flags, number(stream) + number(0) + std::string(2, '\0') + block.write(headers));
  }
  BlockWriter block;
};

class Spdy : public testing::Test {
 protected:
  bool feed(const std::string& bytes) { return framing.feed(bytes, heard).has_value(); }
  std::string takeOutput() { return std::exchange(framing.output(), ""); }

  Client client;
  Listener heard;
  SpdyFraming framing;
};

TEST(SpdyBlock, HasTheDictionaryOfTheDraft) {
  std::string dictionary = spdyDictionary();
  EXPECT_EQ(dictionary.size(), 1423U);
  EXPECT_EQ(adler32(adler32(0, nullptr, 0), reinterpret_cast<const Bytef*>(dictionary.data()), 1423),
            0xe3c6a7c2U);
}

TEST(SpdyBlock, ReadsWhatItWrites) {
  BlockWriter writer;
  BlockReader reader;
  StreamHeaders headers{{"streamtype", "stdout"}, {"port", ""}, {"x", std::string(10000, 'y')}};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reader.read(writer.write(headers)), headers);
  EXPECT_EQ(reader.read(writer.write({})), StreamHeaders{});
}

// GO-2026-4958: counts and lengths that were believed.
TEST(SpdyBlock, BelievesNoCountOrLength) {
  auto refused = [](const std::string& block) {
    z_stream zlib{};
    std::string dictionary = spdyDictionary(), packed(200000, '\0');
    EXPECT_EQ(deflateInit(&zlib, 9), Z_OK);
    deflateSetDictionary(&zlib, reinterpret_cast<const Bytef*>(dictionary.data()), 1423);
    zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
    zlib.avail_in = static_cast<uInt>(block.size());
    zlib.next_out = reinterpret_cast<Bytef*>(packed.data());
    zlib.avail_out = static_cast<uInt>(packed.size());
    EXPECT_EQ(deflate(&zlib, Z_SYNC_FLUSH), Z_OK);
    packed.resize(packed.size() - zlib.avail_out);
    deflateEnd(&zlib);
    return !BlockReader().read(packed);
  };
  EXPECT_FALSE(refused(number(0)));
  EXPECT_TRUE(refused(number(0xffffffff)));
  EXPECT_TRUE(refused(number(1) + number(0xffffffff) + "name"));
  EXPECT_TRUE(refused(number(1) + number(1) + "n" + number(0x7fffffff)));
  EXPECT_TRUE(refused(number(1) + number(0) + number(0)));
  EXPECT_TRUE(refused(number(0) + "more"));
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused(number(1) + number(1) + "n" + number(limits::headerBlock) +
                      std::string(limits::headerBlock, 'x')));
  EXPECT_FALSE(BlockReader().read("not zlib"));
}

TEST_F(Spdy, OpensStreamsAndCarriesBothWays) {
  std::string in = join({client.syn(1, {{"streamtype", "stdin"}}), client.syn(3, {{"streamType", "stdout"}}),
                         data(1, "hello"), data(1, " world", 1)});
  ASSERT_TRUE(feedSlowly(framing, heard, in));
  EXPECT_EQ(heard.said[1], "streamtype=stdin;");
  EXPECT_EQ(heard.said[3], "streamtype=stdout;");
  EXPECT_EQ(heard.data[1], "hello world");
  EXPECT_TRUE(heard.ends.contains(1));
  EXPECT_NE(takeOutput().find(number(0x80030002)), std::string::npos);  // SYN_REPLY
  framing.send(3, "answer");
  framing.end(3);
  framing.close();
  EXPECT_EQ(takeOutput(), data(3, "answer") + data(3, "", 1) + control(7, 0, number(3) + number(0)));
  EXPECT_EQ(framing.room(3), 0U);
}

TEST_F(Spdy, AnswersPingsOfTheClient) {
  ASSERT_TRUE(feed(control(6, 0, number(5)) + control(6, 0, number(2))));
  EXPECT_EQ(takeOutput(), control(6, 0, number(5)));
}

TEST_F(Spdy, PassesOverWhatItDoesNotKnow) {
  ASSERT_TRUE(feed(
      join({control(77, 9, "whatever"), data(9, "to no stream", 1),
            control(8, 0, number(1) + client.block.write({})), client.syn(1, {{"streamtype", "error"}})})));
  EXPECT_EQ(heard.said[1], "streamtype=error;");
  EXPECT_TRUE(heard.data.empty());
}

TEST_F(Spdy, RefusesStreamsBeyondItsNumber) {
  for (StreamId i = 0; i < limits::streams; ++i) ASSERT_TRUE(feed(client.syn(2 * i + 1, {})));
  takeOutput();
  StreamId next = 2 * limits::streams + 1;
  ASSERT_TRUE(feed(client.syn(next, {})));
  EXPECT_EQ(takeOutput(), control(3, 0, number(next) + number(3)));
  ASSERT_TRUE(feed(control(3, 0, number(1) + number(5)) + client.syn(next + 2, {})));
  EXPECT_TRUE(heard.drops.contains(1));
  EXPECT_EQ(takeOutput().find(number(0x80030003)), std::string::npos);
}

TEST_F(Spdy, RefusesWhatItsReceiverDoesNotWant) {
  heard.refuseAll = true;
  ASSERT_TRUE(feed(client.syn(1, {}) + data(1, "x")));
  EXPECT_EQ(takeOutput(), control(3, 0, number(1) + number(3)));
  EXPECT_TRUE(heard.data.empty());
}

// moby/spdystream never opens a window.
TEST_F(Spdy, MindsNoWindowsOfAClientThatHasNone) {
  ASSERT_TRUE(feed(client.syn(1, {})));
  for (int i = 0; i < 100; ++i) {
    ASSERT_GT(framing.room(1), 0U);
    framing.send(1, std::string(framing.room(1), 'x'));
  }
}

TEST_F(Spdy, MindsTheWindowsOfAClientThatHasThem) {
  ASSERT_TRUE(feed(join({initialWindow(100), client.syn(1, {}), client.syn(3, {})})));
  EXPECT_EQ(framing.room(1), 100U);
  framing.send(1, std::string(100, 'x'));
  EXPECT_EQ(framing.room(1), 0U);
  EXPECT_EQ(framing.room(3), 100U);  // only its own stream waits
  ASSERT_TRUE(feed(initialWindow(50)));
  EXPECT_EQ(framing.room(1), 0U);
  ASSERT_TRUE(feed(windowUpdate(1, 60)));
  EXPECT_EQ(framing.room(1), 10U);
  ASSERT_TRUE(feed(windowUpdate(0, 10)));  // it minds the connection's, too: 64 KiB less 100 and 10 more
  ASSERT_TRUE(feed(windowUpdate(3, 1 << 20)));
  EXPECT_EQ(framing.room(3), 65536U - 100 + 10);
}

TEST_F(Spdy, CountsFromTheStartForAClientThatOpensWindowsLate) {
  ASSERT_TRUE(feed(client.syn(1, {})));
  framing.send(1, std::string(65536, 'x'));
  ASSERT_TRUE(feed(windowUpdate(1, 5)));
  EXPECT_EQ(framing.room(1), 5U);
}

TEST_F(Spdy, DropsAStreamWhoseWindowOverflows) {
  for (uint32_t more : {0x7fffffffU, 0U}) {
    StreamId stream = more == 0 ? 3 : 1;
    ASSERT_TRUE(feed(client.syn(stream, {})));
    takeOutput();
    ASSERT_TRUE(feed(windowUpdate(stream, more)));
    EXPECT_EQ(takeOutput(), control(3, 0, number(stream) + number(7)));
    EXPECT_TRUE(heard.drops.contains(stream));
  }
}

TEST_F(Spdy, OpensItsWindowForWhatIsConsumed) {
  ASSERT_TRUE(feed(client.syn(1, {}) + data(1, std::string(40000, 'x'))));
  takeOutput();
  framing.consumed(1, 20000);
  EXPECT_EQ(takeOutput(), "");
  framing.consumed(1, 20000);
  EXPECT_EQ(takeOutput(), windowUpdate(0, 40000) + windowUpdate(1, 40000));
}

TEST_F(Spdy, EndsWithAClientThatSpeaksSomethingElse) {
  std::string goodSyn = Client().syn(1, {});
  const std::string bad[] = {
      number(0x80020001) + number(0),  // SPDY/2
      control(1, 0, "short"),
      control(1, 0, number(1) + number(0) + "\0\0not zlib"),
      control(2, 0, "ab"),
      control(3, 0, number(1)),
      control(4, 0, number(0xffffffff)),                         // so many SETTINGS
      control(4, 0, number(0x20000001) + std::string(8, '\0')),  // which overflow
      initialWindow(0x80000000),
      control(6, 0, "abc"),
      control(7, 0, number(0) + number(0)),
      control(8, 0, number(1) + "not zlib"),
      control(9, 0, number(0) + number(0)),
      windowUpdate(0, 0x7fffffff),
      number(0x80030001) + number(0xffffff),  // 16 MiB of headers
      Client().syn(2, {}),
      goodSyn + goodSyn,
  };
  for (const std::string& bytes : bad) {
    SpdyFraming one;
    Listener ears;
    EXPECT_FALSE(one.feed(bytes, ears)) << &bytes - bad;
  }
}

}  // namespace
}  // namespace bulkhead::streaming
