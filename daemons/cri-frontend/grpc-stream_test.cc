// Calls that stream, through gRPC: order, completeness, back-pressure, and clients that leave or do not read.
#include "daemons/cri-frontend/grpc-stream.h"

#include <grpcpp/create_channel_posix.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "daemons/common/base/sockets.h"
#include "daemons/cri-frontend/cri-services.h"
#include "daemons/cri-frontend/flows/create-container-flow.h"
#include "daemons/cri-frontend/flows/end-pod-flow.h"
#include "daemons/cri-frontend/tests/fake-peers.h"
#include "runtime/v1/api.grpc.pb.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

record::Pod podRecord(char digit, const std::string& name) {
  record::Pod pod;
  pod.set_id(std::string(64, digit));
  pod.set_state(record::Pod::READY);
  pod.set_host_network(true);
  pod.mutable_config()->mutable_metadata()->set_name(name);
  (*pod.mutable_config()->mutable_labels())["app"] = name;
  return pod;
}

record::Container containerRecord(int number, char podDigit, record::Container::State state) {
  record::Container container;
  std::string digits = std::to_string(number);
  container.set_id(std::string(64 - digits.size(), 'c') + digits);
  container.set_pod_id(std::string(64, podDigit));
  container.set_state(state);
  container.mutable_config()->mutable_metadata()->set_name("n" + digits);
  return container;
}

class Streams : public testing::Test {
 protected:
  ~Streams() noexcept override = default;
  // Runs `calls` on a thread of its own against the services, and the loop meanwhile.
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
  // From the client's thread: on the loop.
  void onLoop(std::function<void()> work) {
    executor_->executeSync([&work]() { work(); });
  }

  test::World world_;
  kj::Own<const kj::Executor> executor_ = kj::getCurrentThreadExecutor().addRef();
  CriServices services_{*world_.frontend, world_.io.waitScope};
};

TEST_F(Streams, AListComesWholeInPieces) {
  constexpr int all = 100;
  for (int i = 0; i < all; ++i)
    world_.frontend->containers.insert(
        containerRecord(i, i % 2 == 0 ? 'a' : 'b', record::Container::RUNNING));
  world_.frontend->containers.insert(containerRecord(all, 'a', record::Container::CREATING));
  with([](v1::RuntimeService::Stub& stub) {
    grpc::ClientContext context;
    auto reader = stub.StreamContainers(&context, {});
    std::set<std::string> seen;
    int messages = 0;
    v1::StreamContainersResponse piece;
    for (; reader->Read(&piece); ++messages) {
      EXPECT_GT(piece.containers_size(), 0);
      for (const auto& one : piece.containers()) EXPECT_TRUE(seen.insert(one.id()).second);
    }
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_EQ(seen.size(), 100u);
    EXPECT_GT(messages, 1);
    grpc::ClientContext again;
    v1::StreamContainersRequest filtered;
    filtered.mutable_filter()->set_pod_sandbox_id(std::string(64, 'b'));
    auto fewer = stub.StreamContainers(&again, filtered);
    int found = 0;
    while (fewer->Read(&piece)) found += piece.containers_size();
    EXPECT_EQ(found, 50);
    EXPECT_TRUE(fewer->Finish().ok());
  });
}

TEST_F(Streams, StatsAndMetricsComeAlsoWithoutControlGroups) {
  world_.frontend->pods.insert(podRecord('a', "web"));
  world_.frontend->containers.insert(containerRecord(1, 'a', record::Container::RUNNING));
  with([](v1::RuntimeService::Stub& stub) {
    grpc::ClientContext context;
    auto reader = stub.StreamContainerStats(&context, {});
    v1::StreamContainerStatsResponse stats;
    ASSERT_TRUE(reader->Read(&stats));
    ASSERT_EQ(stats.container_stats_size(), 1);
    EXPECT_FALSE(stats.container_stats(0).has_cpu());
    EXPECT_FALSE(reader->Read(&stats));
    EXPECT_TRUE(reader->Finish().ok());
    grpc::ClientContext podContext;
    auto pods = stub.StreamPodSandboxStats(&podContext, {});
    v1::StreamPodSandboxStatsResponse podStats;
    ASSERT_TRUE(pods->Read(&podStats));
    EXPECT_EQ(podStats.pod_sandbox_stats(0).linux().containers_size(), 1);
    EXPECT_TRUE(!pods->Read(&podStats) && pods->Finish().ok());
    grpc::ClientContext metricsContext;
    auto metrics = stub.StreamPodSandboxMetrics(&metricsContext, {});
    v1::StreamPodSandboxMetricsResponse podMetrics;
    ASSERT_TRUE(metrics->Read(&podMetrics));
    EXPECT_EQ(podMetrics.pod_sandbox_metrics(0).container_metrics_size(), 1);
    EXPECT_TRUE(!metrics->Read(&podMetrics) && metrics->Finish().ok());
  });
}

TEST_F(Streams, EventsTellALifeInOrderWithWholeStatuses) {
  auto& frontend = *world_.frontend;
  with([&](v1::RuntimeService::Stub& stub) {
    grpc::ClientContext context;
    auto reader = stub.GetContainerEvents(&context, {});
    reader->WaitForInitialMetadata();
    ContainerRef container;
    PodRef pod;
    onLoop([&]() {
      auto making = podRecord('a', "web");
      making.set_state(record::Pod::CREATING);
      pod = frontend.pods.insert(making);
      pod->record.set_state(record::Pod::READY);
      frontend.pods.save(*pod);
      frontend.pods.save(*pod);  // written again: nothing new
      container = frontend.containers.insert(containerRecord(1, 'a', record::Container::CREATING));
      container->record.set_state(record::Container::CREATED);
      frontend.containers.save(*container);
      recordRunning(frontend.containers, *container, 5);
      recordExit(frontend.containers, *container, {.code = 3});
      frontend.containers.erase(container->id);
      pod->record.set_state(record::Pod::NOT_READY);
      frontend.pods.save(*pod);
      frontend.pods.tellStopped(*pod);
      frontend.pods.tellStopped(*pod);
      frontend.pods.erase(pod->id);
    });
    auto expect = [&](const std::string& id, v1::ContainerEventType type) {
      v1::ContainerEventResponse event;
      ASSERT_TRUE(reader->Read(&event));
      EXPECT_EQ(event.container_id(), id);
      EXPECT_EQ(event.container_event_type(), type);
      EXPECT_GT(event.created_at(), 0);
      EXPECT_EQ(event.pod_sandbox_status().metadata().name(), "web");
    };
    expect(pod->id.text(), v1::CONTAINER_CREATED_EVENT);
    expect(pod->id.text(), v1::CONTAINER_STARTED_EVENT);
    expect(container->id.text(), v1::CONTAINER_CREATED_EVENT);
    expect(container->id.text(), v1::CONTAINER_STARTED_EVENT);
    v1::ContainerEventResponse stopped;
    ASSERT_TRUE(reader->Read(&stopped));
    EXPECT_EQ(stopped.container_event_type(), v1::CONTAINER_STOPPED_EVENT);
    ASSERT_EQ(stopped.containers_statuses_size(), 1);
    EXPECT_EQ(stopped.containers_statuses(0).exit_code(), 3);
    EXPECT_EQ(stopped.containers_statuses(0).state(), v1::CONTAINER_EXITED);
    expect(container->id.text(), v1::CONTAINER_DELETED_EVENT);
    expect(pod->id.text(), v1::CONTAINER_STOPPED_EVENT);
    expect(pod->id.text(), v1::CONTAINER_DELETED_EVENT);
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  });
}

TEST_F(Streams, WhatWasOnlyBeingMadeIsNotTold) {
  auto& frontend = *world_.frontend;
  auto listener = frontend.events.listen();
  auto container = frontend.containers.insert(containerRecord(1, 'a', record::Container::CREATING));
  frontend.containers.erase(container->id);
  auto making = podRecord('a', "web");
  making.set_state(record::Pod::CREATING);
  frontend.pods.erase(frontend.pods.insert(making)->id);
  auto next = (*listener)->next();
  EXPECT_FALSE(next.poll(world_.io.waitScope));
}

TEST_F(Streams, WhoDoesNotReadLosesEventsAndHearsSo) {
  auto& frontend = *world_.frontend;
  auto pod = frontend.pods.insert(podRecord('a', "web"));
  auto slow = frontend.events.listen();
  auto quick = frontend.events.listen();
  auto container = frontend.containers.insert(containerRecord(1, 'a', record::Container::CREATED));
  for (size_t i = 0; i <= EventHub::waitingEvents; ++i) {
    bool even = i % 2 == 0;
    container->record.set_state(even ? record::Container::RUNNING : record::Container::CREATED);
    frontend.containers.tell(*container);
    auto event = world_.wait((*quick)->next());
    ASSERT_TRUE(event && *event);
  }
  auto lost = world_.wait((*slow)->next());
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Code::resourceExhausted);
}

TEST_F(Streams, ListenersAreBounded) {
  std::vector<kj::Own<Source<v1::ContainerEventResponse>>> listening;
  for (size_t i = 0; i < EventHub::listeners; ++i)
    listening.push_back(std::move(*world_.frontend->events.listen()));
  EXPECT_EQ(world_.frontend->events.listen().error().code, Code::resourceExhausted);
  listening.pop_back();
  EXPECT_TRUE(world_.frontend->events.listen());
}

// A client that asks for a list and never reads: the rest of the list is not even made.
TEST_F(Streams, NothingIsMadeForAClientThatDoesNotRead) {
  size_t made = 0;
  std::vector<int> items(32 * 1000);
  auto make = [&made](const std::vector<int>&) -> Answer<v1::StreamContainersResponse> {
    ++made;
    v1::StreamContainersResponse response;
    response.add_containers()->set_id(std::string(1 << 20, 'x'));
    return Outcome<v1::StreamContainersResponse>(std::move(response));
  };
  auto source = world_.wait(inPieces<v1::StreamContainersResponse>(std::move(items), make));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(*world_.wait((*source)->next()));
  EXPECT_EQ(made, 3u);
}

TEST_F(Streams, AListWhoseClientLeavesEnds) {
  for (int i = 0; i < 2000; ++i) {
    auto record = containerRecord(i, 'a', record::Container::RUNNING);
    (*record.mutable_config()->mutable_annotations())["big"] = std::string(16 << 10, 'x');
    world_.frontend->containers.insert(record);
  }
  with([](v1::RuntimeService::Stub& stub) {
    {
      grpc::ClientContext context;
      auto reader = stub.StreamContainers(&context, {});
      v1::StreamContainersResponse piece;
      ASSERT_TRUE(reader->Read(&piece));
      context.TryCancel();
      EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
    }
    grpc::ClientContext context;
    v1::VersionResponse version;
    EXPECT_TRUE(stub.Version(&context, {}, &version).ok());
  });
}

}  // namespace
}  // namespace bulkhead::cri
