// ImagedServer with a zygote and fetchers that the test plays itself: what main makes of their answers.
#include "daemons/imaged/imaged-server.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>

#include "daemons/common/jail/build.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/in-child.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::imaged {
namespace {

using namespace std::chrono_literals;

class ImagedServerTest : public ::testing::Test {
 protected:
  // The event loop's destructor may throw, a test's may not.
  ~ImagedServerTest() noexcept override {}  // NOLINT(modernize-use-equals-default)

  auto beginResolve(const std::string& os = "linux") {
    auto request = imaged_.resolveRequest();
    request.setReference("registry.test/app");
    request.initPlatform().setOs(os);
    return request.send();
  }
  // The next Spawn that main sent.
  ipc::Packet spawned() {
    for (int i = 0; i < 100; ++i) {
      io_.waitScope.poll();
      if (auto packet = ipc::receivePacket(zygote_.second.get(), 10ms)) return std::move(*packet);
    }
    throw std::runtime_error("main asks for no fetcher");
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  SocketPair zygote_ = makeSocketPair(SOCK_SEQPACKET);
  FetchZygote door_{io_.unixEventPort, duplicate(zygote_.first.get())};
  Registries registries_{{}};
  schema::Imaged::Client imaged_ = kj::heap<ImagedServer>(io_.unixEventPort, door_, registries_);
};

TEST_F(ImagedServerTest, BoundsWhatAFetcherRefusesWith) {
  auto call = beginResolve();
  auto spawn = spawned();
  Fd fetcher = spawn.takeFd(0);
  io_.waitScope.poll();
  ASSERT_TRUE(ipc::receivePacket(fetcher.get(), 5s));
  capnp::MallocMessageBuilder message;
  auto refusal = message.initRoot<schema::FetchReply>().initRefused();
  refusal.setField(std::string(30000, 'f'));
  refusal.setReason(std::string(30000, 'r'));
  ASSERT_TRUE(ipc::sendPacket(fetcher.get(), message));
  auto response = call.wait(io_.waitScope);
  auto got = ipc::readRefusal(response.getResult().getRefused());
  EXPECT_EQ(got.field.size(), 256U);
  EXPECT_LE(got.reason.size(), 1024U);
}

TEST_F(ImagedServerTest, BoundsThePlatform) {
  auto response = beginResolve(std::string(65, 'x')).wait(io_.waitScope);
  EXPECT_EQ(ipc::readRefusal(response.getResult().getRefused()).field, "platform");
}

TEST_F(ImagedServerTest, CutsTheLeashWithTheCall) {
  auto call = kj::heap(beginResolve());
  auto spawn = spawned();
  Fd leash = spawn.takeFd(1);
  struct pollfd watched {
    leash.get(), 0, 0
  };
  EXPECT_EQ(::poll(&watched, 1, 0), 0);
  call = nullptr;
  io_.waitScope.poll();
  EXPECT_EQ(::poll(&watched, 1, 5000), 1);
}

TEST_F(ImagedServerTest, CountsAnOperationBeforeItsSinkHasCome) {
  std::vector<capnp::RemotePromise<schema::Imaged::FetchResults>> calls;
  for (size_t i = 0; i <= limits::fetchers; ++i) {
    auto request = imaged_.fetchRequest();
    request.setReference("registry.test/app");
    request.setDigest("sha256:" + std::string(64, 'a'));
    request.setSink(kj::Promise<schema::File::Client>(kj::NEVER_DONE));
    calls.push_back(request.send());
  }
  io_.waitScope.poll();
  auto last = calls.back().wait(io_.waitScope);
  EXPECT_EQ(ipc::readRefusal(last.getResult().getRefused()).code, Code::resourceExhausted);
  calls.clear();
  io_.waitScope.poll();
  auto call = beginResolve();
  EXPECT_TRUE(spawned().takeFd(0)) << "they no longer count";
}

// A zygote that is slow to take them: each waits for room, and none is forgotten.
TEST_F(ImagedServerTest, SendsEverySpawn) {
  int little = 1;
  ASSERT_EQ(::setsockopt(zygote_.first.get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
  std::vector<capnp::RemotePromise<schema::Imaged::ResolveResults>> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(beginResolve());
  io_.waitScope.poll();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(spawned().takeFd(0)) << i;
}

// A SOCK_DGRAM socket from socketpair(2) could speak to /dev/log or systemd's notify socket.
TEST(ImagedWalls, PairsCannotSpeakToPaths) {
  if (jail::sanitizedBuild) GTEST_SKIP() << "sanitized builds only log";
  for (jail::Process process : {jail::Process::imaged, jail::Process::fetcher, jail::Process::netd}) {
    auto pair = [process](int type) {
      jail::Confinement confinement;
      confinement.uid = ::geteuid() == 0 ? 65534 : ::geteuid();
      confinement.gid = ::geteuid() == 0 ? 65534 : ::getegid();
      jail::confine(process, confinement);
      int ends[2];
      return ::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : 1;
    };
    bool fetches = process == jail::Process::fetcher;
    EXPECT_EQ(jail::codeOfChild([&] { return pair(SOCK_DGRAM); }), 128 + SIGSYS);
    EXPECT_EQ(jail::codeOfChild([&] { return pair(fetches ? SOCK_STREAM : SOCK_SEQPACKET); }), 0);
  }
}

}  // namespace
}  // namespace bulkhead::imaged
