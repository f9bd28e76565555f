#include "ipc/rpc.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "daemons/common/base/io.h"
#include "daemons/common/base/sockets.h"
#include "ipc/file-capability.h"
#include "ipc/limits.h"
#include "ipc/packet-client.h"
#include "ipc/schema/shim.capnp.h"
#include "ipc/schema/storage.capnp.h"
#include "ipc/scrub.h"

namespace bulkhead::ipc {
namespace {

// Answers version; fails loudly, with a secret in the text, on wait.
class TestShim final : public schema::Shim::Server {
  kj::Promise<void> version(VersionContext context) override {
    context.getResults().setProtocol(7);
    return kj::READY_NOW;
  }
  kj::Promise<void> wait(WaitContext) override {
    return scrubbed("wait",
                    kj::evalNow([]() -> kj::Promise<void> { KJ_FAIL_REQUIRE("secret", "/etc/shadow"); }));
  }
};

// Hands out the write end of a pipe.
class TestIntake final : public schema::Intake::Server {
 public:
  explicit TestIntake(Fd fd) : fd_(std::move(fd)) {}
  kj::Promise<void> layerPipe(LayerPipeContext context) override {
    context.getResults().initResult().initOk().setSink(makeFile(duplicate(fd_.get())));
    return kj::READY_NOW;
  }

 private:
  Fd fd_;
};

class RpcTest : public testing::Test {
 protected:
  void TearDown() override { ::unlink(path_.c_str()); }

  Fd listenOn(int type) {
    ::unlink(path_.c_str());
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.get(), 8), 0);
    return socket;
  }
  kj::Own<RpcListener> serve(uid_t uid, std::function<capnp::Capability::Client()> bootstrap) {
    return kj::heap<RpcListener>(*io_.lowLevelProvider, listenOn(SOCK_STREAM), PermittedPeer{uid, ""},
                                 std::move(bootstrap));
  }
  static kj::Promise<void> run(RpcListener& listener) {
    return listener.run().eagerlyEvaluate([](kj::Exception&& e) { FAIL() << e.getDescription().cStr(); });
  }
  static capnp::Capability::Client shim() { return schema::Shim::Client(kj::heap<TestShim>()); }
  void waitABit() { io_.provider->getTimer().afterDelay(20 * kj::MILLISECONDS).wait(io_.waitScope); }
  uint32_t askVersion(RpcPeer& peer) {
    return peer.get<schema::Shim>().versionRequest().send().wait(io_.waitScope).getProtocol();
  }

  // By pointer: KJ's destructors may throw, GoogleTest's fixtures may not.
  std::unique_ptr<kj::AsyncIoContext> context_ = std::make_unique<kj::AsyncIoContext>(kj::setupAsyncIo());
  kj::AsyncIoContext& io_ = *context_;
  std::string path_ = "/tmp/bulkhead-rpc-" + std::to_string(::getpid()) + ".sock";
  std::unique_ptr<RpcPeer> owned_ = std::make_unique<RpcPeer>(*io_.lowLevelProvider, "shim", path_);
  RpcPeer& peer_ = *owned_;
};

TEST_F(RpcTest, NobodyListening) {
  EXPECT_ANY_THROW(peer_.get<schema::Shim>());
}

TEST_F(RpcTest, WrongUidIsCutOffAtAccept) {
  auto listener = serve(::getuid() + 1, shim);
  auto running = run(*listener);
  EXPECT_ANY_THROW(askVersion(peer_));
}

TEST_F(RpcTest, ScrubsWhatAnExceptionSays) {
  auto listener = serve(::getuid(), shim);
  auto running = run(*listener);
  std::string text;
  auto keep = [&text](kj::Exception&& e) { text = e.getDescription().cStr(); };
  peer_.get<schema::Shim>().waitRequest().send().ignoreResult().then([]() {}, keep).wait(io_.waitScope);
  EXPECT_NE(text.find("internal error in wait"), text.npos) << text;
  EXPECT_EQ(text.find("shadow"), text.npos) << text;
}

TEST_F(RpcTest, ReconnectsAfterARestart) {
  {
    auto listener = serve(::getuid(), shim);
    auto running = run(*listener);
    EXPECT_EQ(askVersion(peer_), 7U);
  }
  peer_.onDisconnect().wait(io_.waitScope);
  auto listener = serve(::getuid(), shim);
  auto running = run(*listener);
  EXPECT_EQ(askVersion(peer_), 7U);
}

TEST_F(RpcTest, CarriesOneDescriptor) {
  auto pipe = makePipe();
  auto intake = [&pipe]() -> capnp::Capability::Client {
    return schema::Intake::Client(kj::heap<TestIntake>(duplicate(pipe.write.get())));
  };
  auto listener = serve(::getuid(), intake);
  auto running = run(*listener);
  auto reply = peer_.get<schema::Intake>().layerPipeRequest().send().wait(io_.waitScope);
  Fd write = receiveFile(reply.getResult().getOk().getSink()).wait(io_.waitScope);
  ASSERT_TRUE(write.valid());
  ASSERT_TRUE(writeAll(write.get(), "layer"));
  char got[5];
  ASSERT_EQ(::read(pipe.read.get(), got, sizeof got), 5);
}

TEST_F(RpcTest, GarbageEndsThatConnectionOnly) {
  auto listener = serve(::getuid(), shim);
  auto running = run(*listener);
  Fd hostile = connectTo(path_, SOCK_STREAM);
  ASSERT_TRUE(writeAll(hostile.get(), std::string(4096, '\xff')));
  EXPECT_EQ(askVersion(peer_), 7U);
}

TEST_F(RpcTest, ConnectionsAreBounded) {
  auto listener = serve(::getuid(), shim);
  auto running = run(*listener);
  std::vector<Fd> held;
  for (size_t i = 0; i < limits::connections; ++i) {
    held.push_back(connectTo(path_, SOCK_STREAM));
    ASSERT_TRUE(held.back());
    waitABit();  // the backlog is short
  }
  EXPECT_ANY_THROW(askVersion(peer_));
  held.clear();
  waitABit();
  EXPECT_EQ(askVersion(peer_), 7U);
}

TEST_F(RpcTest, GoesOnWhenDescriptorsRunOut) {
#ifdef BULKHEAD_SANITIZED
  GTEST_SKIP() << "UBSan opens pipes to look at an object's type";
#endif
  auto listener = serve(::getuid(), shim);
  auto running = run(*listener);
  Fd connection = connectTo(path_, SOCK_STREAM);
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  waitABit();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(askVersion(peer_), 7U);
}

TEST_F(RpcTest, FlatRequestAndReply) {
  Fd listener = listenOn(SOCK_SEQPACKET);
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  message->initRoot<schema::Refusal>().setReason("ping");
  auto promise = requestPacket(io_.unixEventPort, path_, kj::mv(message));
  Fd server = acceptOn(listener.get());
  auto request = receivePacket(server.get());
  ASSERT_TRUE(request);
  EXPECT_EQ(request->as<schema::Refusal>().getReason(), "ping");
  EXPECT_FALSE(promise.poll(io_.waitScope));
  capnp::MallocMessageBuilder answer;
  answer.initRoot<schema::Refusal>().setReason("pong");
  ASSERT_TRUE(sendPacket(server.get(), answer));
  EXPECT_EQ(promise.wait(io_.waitScope).as<schema::Refusal>().getReason(), "pong");
}

}  // namespace
}  // namespace bulkhead::ipc
