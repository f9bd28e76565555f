#include "daemons/storaged/decompressor/decompress.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <random>
#include <thread>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"

namespace bulkhead::decompressor {
namespace {

constexpr std::uint64_t plenty = 64 * 1024 * 1024;

std::string gzip(const std::string& bytes) {
  z_stream state{};
  ::deflateInit2(&state, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&state, bytes.size()), '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  ::deflate(&state, Z_FINISH);
  out.resize(state.total_out);
  ::deflateEnd(&state);
  return out;
}

std::string zstd(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

struct Result {
  Outcome<void> outcome;
  std::string bytes;
};

Result run(Codec codec, const std::string& bytes, std::uint64_t limit = plenty) {
  Fd input(::memfd_create("in", MFD_CLOEXEC));
  Fd output(::memfd_create("out", MFD_CLOEXEC));
  EXPECT_TRUE(writeAll(input.get(), bytes));
  ::lseek(input.get(), 0, SEEK_SET);
  auto outcome = decompress(codec, input.get(), output.get(), limit);
  ::lseek(output.get(), 0, SEEK_SET);
  return {outcome, readBounded(output.get(), plenty).value_or("")};
}

std::string noise(size_t size) {
  std::mt19937 generator(7);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

TEST(Decompress, RoundTrips) {
  // Two of them fill the output buffer to its last byte.
  for (const std::string& bytes : {std::string(), std::string("x"), std::string(3'000'000, 'z'),
                                   noise(1'000'000), std::string(256 * 1024, 'b'), noise(512 * 1024)}) {
    Result gzipped = run(Codec::gzip, gzip(bytes));
    EXPECT_TRUE(gzipped.outcome && gzipped.bytes == bytes) << bytes.size();
    Result zstandard = run(Codec::zstd, zstd(bytes));
    EXPECT_TRUE(zstandard.outcome && zstandard.bytes == bytes) << bytes.size();
    Result plain = run(Codec::none, bytes);
    EXPECT_TRUE(plain.outcome && plain.bytes == bytes) << bytes.size();
  }
}

TEST(Decompress, SeveralMembersAreOneStream) {
  std::string bytes = noise(400'000);
  EXPECT_EQ(run(Codec::gzip, gzip(bytes) + gzip("") + gzip("end")).bytes, bytes + "end");
  std::string skippable("\x50\x2a\x4d\x18\x03\x00\x00\x00\x61\x62\x63", 11);
  Result result = run(Codec::zstd, zstd(bytes) + skippable + zstd("end"));
  EXPECT_TRUE(result.outcome);
  EXPECT_EQ(result.bytes, bytes + "end");
}

// Each read gives what one write put in: members that end anywhere, in any number of pieces.
Result runInPieces(const std::string& bytes, size_t piece) {
  SocketPair pair = makeSocketPair(SOCK_SEQPACKET);
  Fd output(::memfd_create("out", MFD_CLOEXEC));
  std::thread writer([&]() {
    for (size_t at = 0; at < bytes.size(); at += piece) {
      EXPECT_TRUE(writeAll(pair.first.get(), bytes.substr(at, piece)));
    }
    pair.first.reset();
  });
  auto outcome = decompress(Codec::gzip, pair.second.get(), output.get(), plenty);
  writer.join();
  ::lseek(output.get(), 0, SEEK_SET);
  return {outcome, readBounded(output.get(), plenty).value_or("")};
}

TEST(Decompress, MembersMayEndAnywhere) {
  std::string packed;
  std::string plain;
  for (size_t size : {0, 1, 7, 64, 4000, 70'000, 3}) {
    for (const std::string& bytes : {noise(size), std::string(size, 'a')}) {
      packed += gzip(bytes);
      plain += bytes;
    }
  }
  for (size_t piece : {1, 3, 8, 13, 1000, 65'536}) {
    Result result = runInPieces(packed, piece);
    ASSERT_TRUE(result.outcome) << piece << ": " << describe(result.outcome.error());
    EXPECT_EQ(result.bytes, plain) << piece;
    EXPECT_FALSE(runInPieces(packed.substr(0, packed.size() - 1), piece).outcome) << piece;
    EXPECT_FALSE(runInPieces(packed + "x", piece).outcome) << piece;
  }
}

// RFC 1952, 2.3: extra field, name, comment and a checksum of the header.
TEST(Decompress, HeadersWithEverythingAreRead) {
  z_stream state{};
  ASSERT_EQ(::deflateInit2(&state, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string extra(300, 'e');
  std::string name(5000, 'n');
  gz_header header{};
  header.extra = reinterpret_cast<Bytef*>(extra.data());
  header.extra_len = static_cast<uInt>(extra.size());
  header.name = reinterpret_cast<Bytef*>(name.data());
  header.comment = reinterpret_cast<Bytef*>(name.data());
  header.hcrc = 1;
  ASSERT_EQ(::deflateSetHeader(&state, &header), Z_OK);
  std::string bytes = "some bytes";
  std::string packed(20'000, '\0');
  state.next_in = reinterpret_cast<Bytef*>(bytes.data());
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(::deflate(&state, Z_FINISH), Z_STREAM_END);
  packed.resize(state.total_out);
  ::deflateEnd(&state);
  for (size_t piece : {1, 10, 30'000}) {
    Result result = runInPieces(packed, piece);
    EXPECT_TRUE(result.outcome && result.bytes == bytes) << piece;
  }
  packed[4000] ^= 1;  // in the name, under the header's checksum
  EXPECT_FALSE(runInPieces(packed, 30'000).outcome);
}

TEST(Decompress, TruncatedIsRefused) {
  std::string bytes = noise(600'000);
  for (const std::string& whole : {gzip(bytes), gzip(bytes) + gzip("end")}) {
    for (size_t cut : {size_t{1}, size_t{4}, size_t{9}}) {
      EXPECT_FALSE(run(Codec::gzip, whole.substr(0, whole.size() - cut)).outcome) << cut;
    }
  }
  std::string whole = zstd(bytes);
  for (size_t cut : {size_t{1}, size_t{5}, whole.size() - 2}) {
    EXPECT_FALSE(run(Codec::zstd, whole.substr(0, whole.size() - cut)).outcome) << cut;
  }
  EXPECT_FALSE(run(Codec::gzip, "").outcome);
  EXPECT_FALSE(run(Codec::zstd, "").outcome);
}

TEST(Decompress, GarbageIsRefused) {
  for (const std::string& garbage :
       {std::string("garbage"), std::string("x"), noise(100'000), std::string(600'000, '\0')}) {
    EXPECT_FALSE(run(Codec::gzip, gzip("fine") + garbage).outcome);
    EXPECT_FALSE(run(Codec::zstd, zstd("fine") + garbage).outcome);
    EXPECT_FALSE(run(Codec::gzip, garbage).outcome);
    EXPECT_FALSE(run(Codec::zstd, garbage).outcome);
  }
  std::string flipped = gzip(noise(100'000));
  flipped[flipped.size() - 6] ^= 1;  // its checksum
  EXPECT_FALSE(run(Codec::gzip, flipped).outcome);
  EXPECT_FALSE(run(Codec::gzip, zstd("wrong codec")).outcome);
}

TEST(Decompress, BombsEnd) {
  std::string bomb = gzip(std::string(10'000'000, '\0'));
  for (const Result& result : {run(Codec::gzip, bomb, 1'000'000),
                               run(Codec::zstd, zstd(std::string(10'000'000, '\0')), 1'000'000)}) {
    ASSERT_FALSE(result.outcome);
    EXPECT_EQ(result.outcome.error().code, Code::resourceExhausted);
    EXPECT_LE(result.bytes.size(), 1'000'000U);
  }
}

TEST(Decompress, HugeWindowsAreRefused) {
  // A frame header that asks for a window of 2 GiB (RFC 8878, 3.1.1.1.2: exponent 21).
  std::string frame("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
  EXPECT_FALSE(run(Codec::zstd, frame).outcome);
}

}  // namespace
}  // namespace bulkhead::decompressor
