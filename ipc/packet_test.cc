#include "ipc/packet.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "daemons/common/base/io.h"
#include "ipc/convert.h"
#include "ipc/limits.h"
#include "ipc/peer.h"
#include "ipc/schema/common.capnp.h"

namespace bulkhead::ipc {
namespace {

class PacketTest : public testing::Test {
 protected:
  SocketPair pair_ = makeSocketPair(SOCK_SEQPACKET);

  void sendRefusal(const std::string& reason, const std::vector<int>& fds = {}) {
    capnp::MallocMessageBuilder message;
    message.initRoot<schema::Refusal>().setReason(reason);
    ASSERT_TRUE(sendPacket(pair_.first.get(), message, fds));
  }
  void sendRaw(const void* bytes, size_t size) {
    ASSERT_EQ(::send(pair_.first.get(), bytes, size, 0), static_cast<ssize_t>(size));
  }
};

TEST_F(PacketTest, CarriesMessageAndDescriptors) {
  auto pipe = makePipe();
  sendRefusal("no", {pipe.write.get()});
  auto packet = receivePacket(pair_.second.get());
  ASSERT_TRUE(packet);
  EXPECT_EQ(toString(packet->as<schema::Refusal>().getReason()), "no");
  ASSERT_EQ(packet->fdCount(), 1U);
  Fd write = packet->takeFd(0);
  EXPECT_TRUE((::fcntl(write.get(), F_GETFD) & FD_CLOEXEC) != 0);
  pipe.write.reset();
  ASSERT_TRUE(writeAll(write.get(), "through"));
  write.reset();
  EXPECT_EQ(readBounded(pipe.read.get(), 100), "through");
}

TEST_F(PacketTest, LargeBodiesGoAsSealedMemfd) {
  std::string big(3 * 1024 * 1024, 'x');
  auto pipe = makePipe();
  sendRefusal(big, {pipe.read.get()});
  auto packet = receivePacket(pair_.second.get());
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->as<schema::Refusal>().getReason().size(), big.size());
  EXPECT_EQ(packet->fdCount(), 1U) << "the memfd itself is not the caller's";
}

TEST_F(PacketTest, UnsealedBodyIsRefused) {
  Fd body(::memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_TRUE(writeAll(body.get(), std::string(64, '\0')));
  char kind = 'm';
  struct iovec part {
    &kind, 1
  };
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  struct msghdr header {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* c = CMSG_FIRSTHDR(&header);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  int fd = body.get();
  std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  ASSERT_EQ(::sendmsg(pair_.first.get(), &header, 0), 1);
  EXPECT_THROW(receivePacket(pair_.second.get()), std::runtime_error);
}

TEST_F(PacketTest, GarbageIsRefusedNotRead) {
  for (const std::string& bytes : {std::string("x"), std::string("i"), std::string("iabc"), std::string("m"),
                                   std::string(limits::packetInline + 100, 'i')}) {
    sendRaw(bytes.data(), bytes.size());
    EXPECT_ANY_THROW({
      auto packet = receivePacket(pair_.second.get());
      packet->as<schema::Refusal>().getReason();
    }) << bytes.substr(0, 8);
  }
  std::string wild = "i" + std::string(64, '\xff');
  sendRaw(wild.data(), wild.size());
  EXPECT_ANY_THROW(receivePacket(pair_.second.get())->as<schema::Refusal>().getReason());
}

TEST_F(PacketTest, EndOfStreamAndTimeoutAreNothing) {
  EXPECT_FALSE(receivePacket(pair_.second.get(), std::chrono::milliseconds(10)));
  EXPECT_EQ(errno, EAGAIN);
  pair_.first.reset();
  EXPECT_FALSE(receivePacket(pair_.second.get()));
  EXPECT_EQ(errno, 0);
}

TEST(MessageStream, RoundTripsAndRefusesShortOrHuge) {
  auto pipe = makePipe();
  capnp::MallocMessageBuilder message;
  message.initRoot<schema::Refusal>().setReason("why");
  ASSERT_TRUE(writeMessage(pipe.write.get(), message));
  EXPECT_EQ(toString(readMessage(pipe.read.get(), 4096)->as<schema::Refusal>().getReason()), "why");
  uint64_t count = 1U << 30;
  ASSERT_TRUE(writeAll(pipe.write.get(), {reinterpret_cast<char*>(&count), sizeof count}));
  EXPECT_THROW(readMessage(pipe.read.get(), 4096), std::runtime_error);
  pipe.write.reset();
  EXPECT_FALSE(readMessage(pipe.read.get(), 4096));
}

TEST(MessageStream, PatienceEnds) {
  using std::chrono::milliseconds;
  auto pipe = makePipe();
  EXPECT_THROW(readMessage(pipe.read.get(), 4096, Patience{-1, milliseconds(20)}), std::runtime_error);
  // Also with whoever sends a byte now and then.
  uint64_t count = 1;
  ASSERT_TRUE(writeAll(pipe.write.get(), {reinterpret_cast<char*>(&count), sizeof count}));
  EXPECT_THROW(readMessage(pipe.read.get(), 4096, Patience{-1, milliseconds(20)}), std::runtime_error);
  auto cancel = makePipe();
  cancel.write.reset();
  EXPECT_THROW(readMessage(pipe.read.get(), 4096, Patience{cancel.read.get(), std::chrono::hours(1)}),
               std::runtime_error);
  capnp::MallocMessageBuilder message;
  message.initRoot<schema::Refusal>().setReason("why");
  ASSERT_TRUE(writeMessage(pipe.write.get(), message));
  EXPECT_TRUE(readMessage(pipe.read.get(), 4096, Patience{-1, std::chrono::hours(1)}));
}

TEST(Peer, OnlyThePermittedUidAndPlace) {
  auto pair = makeSocketPair(SOCK_STREAM);
  EXPECT_TRUE(checkPeer(pair.first.get(), {::getuid(), ""}));
  auto wrongUid = checkPeer(pair.first.get(), {::getuid() + 1, ""});
  ASSERT_FALSE(wrongUid);
  EXPECT_EQ(wrongUid.error().code, Code::permissionDenied);
  auto wrongPlace = checkPeer(pair.first.get(), {::getuid(), "0::/somewhere/else"});
  ASSERT_FALSE(wrongPlace);
  std::string own = readSmallFile("/proc/self/cgroup");
  EXPECT_TRUE(checkPeer(pair.first.get(), {::getuid(), own.substr(0, own.find('\n'))}));
}

}  // namespace
}  // namespace bulkhead::ipc
