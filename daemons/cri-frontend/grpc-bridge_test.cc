#include "daemons/cri-frontend/grpc-bridge.h"

#include <grpcpp/create_channel_posix.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "daemons/cri-frontend/cri-services.h"
#include "daemons/cri-frontend/tests/fake-peers.h"
#include "runtime/v1/api.grpc.pb.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

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
  CriServices services_{*world_.frontend};
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
      v1::ReopenContainerLogResponse response;
      EXPECT_EQ(stub.ReopenContainerLog(&context, {}, &response).error_code(),
                grpc::StatusCode::UNIMPLEMENTED);
    }
    {
      grpc::ClientContext context;
      v1::GetEventsRequest request;
      auto reader = stub.GetContainerEvents(&context, request);
      EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
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
