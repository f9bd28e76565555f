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
  // The next fetcher that main asks for; planners before it have answered.
  ipc::Packet spawned() {
    for (int i = 0; i < 100; ++i) {
      io_.waitScope.poll();
      auto packet = ipc::receivePacket(zygote_.second.get(), 10ms);
      if (!packet) continue;
      if (packet->as<schema::Spawn>().getKind() == schema::Spawn::Kind::FETCHER) return std::move(*packet);
      plan(packet->takeFd(0));
    }
    throw std::runtime_error("main asks for no fetcher");
  }
  // What a planner would answer: each name has one source.
  void plan(const Fd& planner) {
    io_.waitScope.poll();
    auto request = ipc::receivePacket(planner.get(), 5s);
    capnp::MallocMessageBuilder message;
    auto reply = message.initRoot<schema::PlanReply>();
    auto asked = request->as<schema::PlanRequest>().getPlan().getReference();
    auto candidates = reply.initPlan().initCandidates(meanings_);
    for (auto candidate : candidates) {
      candidate.setReference(asked);
      candidate.initSources(1)[0].setHost("registry.test");
    }
    (void)ipc::sendPacket(planner.get(), message);
    ++plans_;
    io_.waitScope.poll();
  }
  void answer(const Fd& fetcher, capnp::MessageBuilder& message) {
    io_.waitScope.poll();
    ASSERT_TRUE(ipc::receivePacket(fetcher.get(), 5s));
    ASSERT_TRUE(ipc::sendPacket(fetcher.get(), message));
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  SocketPair zygote_ = makeSocketPair(SOCK_SEQPACKET);
  FetchZygote door_{io_.unixEventPort, duplicate(zygote_.first.get())};
  capnp::MallocMessageBuilder config_;
  kj::Timer& timer_ = io_.provider->getTimer();
  Plans planned_{io_.unixEventPort, timer_, door_,
                 config_.initRoot<schema::Config>().asReader().getRegistries()};
  TokenCache tokens_{timer_};
  Turns blobs_{limits::fetchers};
  Desk desk_{io_.unixEventPort,
             door_,
             planned_,
             tokens_,
             blobs_,
             false,
             config_.getRoot<schema::Config>().asReader().getFetching().getProxies()};
  schema::Imaged::Client imaged_ = kj::heap<ImagedServer>(desk_);
  unsigned meanings_ = 1;  // of any name
  int plans_ = 0;          // made so far
};

TEST_F(ImagedServerTest, BoundsWhatAFetcherRefusesWith) {
  auto call = beginResolve();
  auto spawn = spawned();
  Fd fetcher = spawn.takeFd(0);
  capnp::MallocMessageBuilder message;
  auto refusal = message.initRoot<schema::FetchReply>().initRefused();
  refusal.setField(std::string(30000, 'f'));
  refusal.setReason(std::string(30000, 'r'));
  answer(fetcher, message);
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

// A fetcher says which documents, the plan under which name.
TEST_F(ImagedServerTest, TriesOneMeaningAfterTheOther) {
  meanings_ = 2;
  auto call = beginResolve();
  capnp::MallocMessageBuilder refusal, documents;
  refusal.initRoot<schema::FetchReply>().initRefused().setReason("not here");
  documents.initRoot<schema::FetchReply>().initDocuments().setManifest("M"_kj.asBytes());
  answer(spawned().takeFd(0), refusal);
  answer(spawned().takeFd(0), documents);
  auto response = call.wait(io_.waitScope);
  EXPECT_STREQ(response.getResult().getOk().getReference().cStr(), "registry.test/app");
  EXPECT_EQ(response.getResult().getOk().getDocuments().getManifest(), "M"_kj.asBytes());
}

TEST_F(ImagedServerTest, AsksOnceForAPlanAndATokenOfOneImage) {
  auto first = beginResolve();
  capnp::MallocMessageBuilder reply;
  auto root = reply.initRoot<schema::FetchReply>();
  root.initDocuments();
  auto token = root.initTokens(2);
  token[0].setToken("TOKEN");
  token[0].setSeconds(60);
  token[1].setSource(7);  // there is none by that number
  token[1].setToken("OTHER");
  answer(spawned().takeFd(0), reply);
  first.wait(io_.waitScope);
  auto second = beginResolve();
  Fd fetcher = spawned().takeFd(0);
  io_.waitScope.poll();
  auto request = ipc::receivePacket(fetcher.get(), 5s);
  ASSERT_TRUE(request);
  EXPECT_STREQ(request->as<schema::FetchRequest>().getSources()[0].getToken().cStr(), "TOKEN");
  EXPECT_EQ(plans_, 1);
}

TEST_F(ImagedServerTest, RefusesWithAPlannersWords) {
  auto call = beginResolve();
  io_.waitScope.poll();
  auto spawn = ipc::receivePacket(zygote_.second.get(), 5s);
  ASSERT_TRUE(spawn);
  capnp::MallocMessageBuilder message;
  auto refusal = message.initRoot<schema::PlanReply>().initRefused();
  refusal.setReason("registries.conf:12: is nonsense");
  answer(spawn->takeFd(0), message);
  auto response = call.wait(io_.waitScope);
  EXPECT_EQ(ipc::readRefusal(response.getResult().getRefused()).reason, "registries.conf:12: is nonsense");
}

// A zygote that is slow to take them: each waits for room, and none is forgotten.
TEST_F(ImagedServerTest, SendsEverySpawn) {
  int little = 1;
  ASSERT_EQ(::setsockopt(zygote_.first.get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
  std::vector<capnp::RemotePromise<schema::Imaged::ResolveResults>> calls;
  calls.reserve(50);
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

TEST(ImagedWalls, PlannersHaveNoNetwork) {
  if (jail::sanitizedBuild) GTEST_SKIP() << "sanitized builds only log";
  auto open = [](int family) {
    jail::Confinement confinement;
    confinement.uid = ::geteuid() == 0 ? 65534 : ::geteuid();
    confinement.gid = ::geteuid() == 0 ? 65534 : ::getegid();
    jail::confine(jail::Process::planner, confinement);
    return ::socket(family, SOCK_DGRAM, 0) >= 0 ? 0 : 1;
  };
  for (int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK})
    EXPECT_EQ(jail::codeOfChild([&] { return open(family); }), 128 + SIGSYS);
}

}  // namespace
}  // namespace bulkhead::imaged
