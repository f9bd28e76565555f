#include "daemons/cri-frontend/grpc-bridge.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <thread>

#include "daemons/cri-frontend/cri-services.h"
#include "daemons/cri-frontend/tests/fake-peers.h"
#include "runtime/v1/api.grpc.pb.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

TEST(GrpcStatus, TheKubeletFindsItsWords) {
  for (const char* reason :
       {"RegistryUnavailable: it is down", "SignatureValidationFailed: it is not signed"}) {
    auto status = toStatus({Code::permissionDenied, "image.image", reason});
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNKNOWN);
    EXPECT_EQ(status.error_message(), reason);
  }
}

TEST(GrpcStatus, EveryCodeHasItsOwn) {
  auto codeOf = [](Code code) { return toStatus({code, "field", "reason"}).error_code(); };
  EXPECT_EQ(codeOf(Code::invalidArgument), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(codeOf(Code::notFound), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(codeOf(Code::alreadyExists), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(codeOf(Code::permissionDenied), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(codeOf(Code::failedPrecondition), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(codeOf(Code::resourceExhausted), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(codeOf(Code::unavailable), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(codeOf(Code::deadlineExceeded), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(codeOf(Code::internal), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(toStatus({Code::notFound, "field", "reason"}).error_message(), "field: reason");
}

// A client on a thread of its own, the loop on this one.
class Served : public testing::Test {
 protected:
  // Runs `calls` against the services until it returns.
  void with(std::function<void(v1::RuntimeService::Stub&)> calls) {
    auto pair = makeSocketPair(SOCK_STREAM);
    services_.serve(std::move(pair.first));
    auto done = kj::newPromiseAndCrossThreadFulfiller<void>();
    std::thread client([&]() {
      auto channel = grpc::CreateInsecureChannelFromFd("bulkhead", pair.second.release());
      calls(*v1::RuntimeService::NewStub(channel));
      done.fulfiller->fulfill();
    });
    done.promise.wait(world_.io.waitScope);
    client.join();
  }

  test::World world_;
  CriServices services_{*world_.frontend, world_.io.waitScope};
};

TEST_F(Served, RefusesInTheRightCodeAndSpeaksUp) {
  with([](v1::RuntimeService::Stub& stub) {
    {
      grpc::ClientContext context;
      v1::PodSandboxStatusRequest request;
      request.set_pod_sandbox_id("../../etc");
      v1::PodSandboxStatusResponse response;
      auto status = stub.PodSandboxStatus(&context, request, &response);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
      EXPECT_TRUE(status.error_message().starts_with("pod_sandbox_id: "));
    }
    {
      grpc::ClientContext context;
      v1::CheckpointContainerResponse response;
      auto status = stub.CheckpointContainer(&context, {}, &response);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
      EXPECT_NE(status.error_message().find("CRIU"), std::string::npos);
    }
    {
      grpc::ClientContext context;
      v1::StatusRequest request;
      request.set_verbose(true);
      v1::StatusResponse response;
      EXPECT_TRUE(stub.Status(&context, request, &response).ok());
      ASSERT_EQ(response.status().conditions_size(), 2);
      EXPECT_TRUE(response.status().conditions(0).status());
      EXPECT_TRUE(response.status().conditions(1).status());
      EXPECT_EQ(response.runtime_handlers(0).name(), "");
      EXPECT_TRUE(response.info().contains("config"));
    }
  });
}

// Whoever waits in the backlog while there is no descriptor to give is served once there is one.
TEST_F(Served, AcceptsAgainAfterItRanOutOfDescriptors) {
#ifdef BULKHEAD_SANITIZED
  GTEST_SKIP() << "UBSan opens pipes to look at an object's type";
#endif
  std::string path = world_.root + "/cri.sock";
  auto listener = test::listenAt(path, SOCK_STREAM);
  Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address), 0);
  auto& timer = world_.io.provider->getTimer();
  struct rlimit before {};
  ::getrlimit(RLIMIT_NOFILE, &before);
  struct rlimit none = before;
  none.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &none);
  auto accepting = services_.accept(std::move(listener));
  timer.afterDelay(50 * kj::MILLISECONDS).wait(world_.io.waitScope);
  ::setrlimit(RLIMIT_NOFILE, &before);
  auto answered = kj::newPromiseAndCrossThreadFulfiller<bool>();
  std::thread calls([&]() {
    ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
    auto channel = grpc::CreateInsecureChannelFromFd("bulkhead", client.release());
    auto stub = v1::RuntimeService::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    v1::VersionResponse response;
    answered.fulfiller->fulfill(stub->Version(&context, {}, &response).ok());
  });
  EXPECT_TRUE(answered.promise.wait(world_.io.waitScope));
  calls.join();
}

// Common (a probe that took too long), so no error in the log.
TEST_F(Served, AnExecWhoseClientHasGoneIsGivenUpQuietly) {
  record::Container running;
  running.set_id(std::string(64, 'c'));
  running.set_pod_id(std::string(64, 'd'));
  running.set_state(record::Container::RUNNING);
  world_.frontend->containers.insert(running);
  world_.script.silent = {"launcher.exec"};
  testing::internal::CaptureStderr();
  with([&running](v1::RuntimeService::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
    v1::ExecSyncRequest request;
    request.set_container_id(running.id());
    request.add_cmd("true");
    v1::ExecSyncResponse response;
    EXPECT_EQ(stub.ExecSync(&context, request, &response).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  });
  world_.io.provider->getTimer().afterDelay(100 * kj::MILLISECONDS).wait(world_.io.waitScope);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Served, ACreationOutlivesItsClient) {
  with([](v1::RuntimeService::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(1));
    v1::RunPodSandboxResponse response;
    (void)stub.RunPodSandbox(&context, test::podRequest(), &response);
  });
  with([](v1::RuntimeService::Stub& stub) {
    grpc::ClientContext context;
    v1::RunPodSandboxResponse response;
    EXPECT_TRUE(stub.RunPodSandbox(&context, test::podRequest(), &response).ok());
  });
  EXPECT_EQ(world_.frontend->pods.all().size(), 1U);
}

}  // namespace
}  // namespace bulkhead::cri
