// What tests of flows share: a World, and the calls that they make again and again.
#pragma once

#include <gtest/gtest.h>

#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/tests/fake-peers.h"

namespace bulkhead::cri::test {

class FlowTest : public testing::Test {
 protected:
  std::string runPod(const std::string& name = "web") {
    auto response = world.wait(runPodSandbox(*world.frontend, podRequest(name)));
    EXPECT_TRUE(response) << describe(response.error());
    return response ? response->pod_sandbox_id() : "";
  }
  std::string createIn(const std::string& pod, const std::string& name = "main") {
    auto response = world.wait(createContainer(*world.frontend, containerRequest(pod, name)));
    EXPECT_TRUE(response) << describe(response.error());
    return response ? response->container_id() : "";
  }
  std::string startIn(const std::string& pod, const std::string& name = "main") {
    std::string id = createIn(pod, name);
    EXPECT_TRUE(start(id));
    return id;
  }
  Outcome<v1::StartContainerResponse> start(const std::string& id) {
    v1::StartContainerRequest request;
    request.set_container_id(id);
    return world.wait(startContainer(*world.frontend, request));
  }
  kj::Promise<Outcome<v1::StopContainerResponse>> stopping(const std::string& id, int64_t timeout) {
    // The request must live as long as the call.
    auto request = kj::heap<v1::StopContainerRequest>();
    request->set_container_id(id);
    request->set_timeout(timeout);
    auto& asked = *request;
    return stopContainer(*world.frontend, asked).attach(kj::mv(request));
  }
  v1::ContainerStatus statusOf(const std::string& id) {
    v1::ContainerStatusRequest request;
    request.set_container_id(id);
    auto response = world.wait(containerStatus(*world.frontend, request));
    return response ? response->status() : v1::ContainerStatus();
  }
  v1::PodSandboxStatus podStatus(const std::string& id) {
    v1::PodSandboxStatusRequest request;
    request.set_pod_sandbox_id(id);
    auto response = world.wait(podSandboxStatus(*world.frontend, request));
    return response ? response->status() : v1::PodSandboxStatus();
  }
  Outcome<v1::RemovePodSandboxResponse> removePodOf(const std::string& id) {
    v1::RemovePodSandboxRequest request;
    request.set_pod_sandbox_id(id);
    return world.wait(removePodSandbox(*world.frontend, request));
  }
  void expectNothingLeft() {
    world.settle();
    EXPECT_TRUE(world.launcher->pods.empty());
    EXPECT_TRUE(world.launcher->containers.empty());
    EXPECT_TRUE(world.network.attached.empty());
    EXPECT_TRUE(world.store.layers.empty());
    EXPECT_TRUE(world.frontend->pods.all().empty());
    EXPECT_TRUE(world.frontend->containers.all().empty());
  }
  // Lets everything that is ready to happen, happen.
  void breathe() { world.wait(world.io.provider->getTimer().afterDelay(20 * kj::MILLISECONDS)); }

  test::World world;
};

}  // namespace bulkhead::cri::test
