// What changes a pod or container while it lives.
#include <gtest/gtest.h>

#include "daemons/cri-frontend/calls/upkeep-calls.h"
#include "daemons/cri-frontend/tests/flow-test.h"

namespace bulkhead::cri {
namespace {

class Upkeep : public test::FlowTest {
 protected:
  std::string reopen(const std::string& id) {
    v1::ReopenContainerLogRequest request;
    request.set_container_id(id);
    auto response = world.wait(reopenContainerLog(*world.frontend, request));
    return response ? "" : describe(response.error());
  }
};

TEST_F(Upkeep, ALogsFileGoesFromTheLauncherToTheShim) {
  auto id = startIn(runPod());
  EXPECT_EQ(reopen(id), "");
  EXPECT_EQ(world.launcher->containers.at(id)->logs, 1U);
  world.script.refusals["launcher.openLog"] = {Code::failedPrecondition, "containerId", "has no log"};
  EXPECT_EQ(reopen(id), "container_id: has no log");
  EXPECT_EQ(world.launcher->containers.at(id)->logs, 1U);
}

TEST_F(Upkeep, AnOldShimIsRefusedBeforeAFileIsMade) {
  auto id = startIn(runPod());
  world.launcher->containers.at(id)->shimProtocol = 1;
  EXPECT_EQ(reopen(id),
            "container_id: the container's monitor is of an older version, which keeps the log that it has");
  EXPECT_FALSE(world.script.saw("launcher.openLog"));
}

TEST_F(Upkeep, OnlyARunningContainersLogIsReopened) {
  auto pod = runPod();
  EXPECT_EQ(reopen(createIn(pod)), "container_id: the container is not running");
  EXPECT_EQ(reopen(std::string(64, '0')), "container_id: no such container");
  EXPECT_FALSE(world.script.saw("launcher.openLog"));
}

TEST_F(Upkeep, NewLimitsAreRememberedOnceTheLauncherHasThem) {
  auto pod = runPod();
  auto id = createIn(pod);
  v1::UpdateContainerResourcesRequest request;
  request.set_container_id(id);
  request.mutable_linux()->set_memory_limit_in_bytes(4096);
  world.script.refusals["launcher.updateContainer"] = {Code::failedPrecondition, "resources.memoryLimit",
                                                       "is used"};
  auto refused = world.wait(updateContainerResources(*world.frontend, request));
  ASSERT_FALSE(refused);
  EXPECT_EQ(describe(refused.error()), "linux.memory_limit_in_bytes: is used");
  EXPECT_EQ(statusOf(id).resources().linux().memory_limit_in_bytes(), 0);
  ASSERT_TRUE(world.wait(updateContainerResources(*world.frontend, request)));
  EXPECT_TRUE(start(id));
  request.mutable_linux()->clear_memory_limit_in_bytes();
  request.mutable_linux()->set_cpu_shares(7);
  ASSERT_TRUE(world.wait(updateContainerResources(*world.frontend, request)));
  world.restart();
  EXPECT_EQ(statusOf(id).resources().linux().memory_limit_in_bytes(), 4096);
  EXPECT_EQ(statusOf(id).resources().linux().cpu_shares(), 7);
  world.launcher->end(id, 0);
  breathe();
  EXPECT_FALSE(world.wait(updateContainerResources(*world.frontend, request)));
}

TEST_F(Upkeep, APodsLimitsAreRememberedAcrossARestart) {
  auto pod = runPod();
  v1::UpdatePodSandboxResourcesRequest request;
  request.set_pod_sandbox_id(pod);
  request.mutable_resources()->set_cpu_shares(512);
  request.mutable_overhead()->set_memory_limit_in_bytes(4096);
  ASSERT_TRUE(world.wait(updatePodSandboxResources(*world.frontend, request)));
  request.clear_overhead();
  request.mutable_resources()->set_cpu_shares(1024);
  ASSERT_TRUE(world.wait(updatePodSandboxResources(*world.frontend, request)));
  world.restart();
  const auto& config = world.frontend->pods.all().begin()->second->record.config().linux();
  EXPECT_EQ(config.resources().cpu_shares(), 1024);
  EXPECT_EQ(config.overhead().memory_limit_in_bytes(), 4096);
  request.set_pod_sandbox_id(std::string(64, '0'));
  EXPECT_FALSE(world.wait(updatePodSandboxResources(*world.frontend, request)));
}

}  // namespace
}  // namespace bulkhead::cri
