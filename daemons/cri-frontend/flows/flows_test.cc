// Flows against fake peers: what reaches whom, what is undone, what survives a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "daemons/cri-frontend/tests/flow-test.h"

namespace bulkhead::cri {
namespace {

using test::containerRequest;
using test::podRequest;

class Flows : public test::FlowTest {};

TEST_F(Flows, PodWithoutNetworkIsUndone) {
  world.script.refusals["netd.attach"] = {Code::unavailable, "", "no plugin"};
  auto response = world.wait(runPodSandbox(*world.frontend, podRequest()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::unavailable);
  expectNothingLeft();
  EXPECT_TRUE(world.script.saw("launcher.removePod"));
}

TEST_F(Flows, PodThatTheCeilingRefusesIsUndone) {
  world.script.refusals["launcher.makePod"] = {Code::permissionDenied, "logDirectory",
                                               "is outside the log roots"};
  auto response = world.wait(runPodSandbox(*world.frontend, podRequest()));
  ASSERT_FALSE(response);
  EXPECT_EQ(describe(response.error()), "config.log_directory: is outside the log roots");
  expectNothingLeft();
  EXPECT_TRUE(world.script.saw("netd.detach"));
  EXPECT_FALSE(runPod().empty()) << "the name is free again";
}

TEST_F(Flows, UndoIsRepeatedUntilItWorks) {
  world.script.refusals["netd.attach"] = {Code::internal, "", "broken"};
  world.script.refusals["netd.detach"] = {Code::unavailable, "", "busy"};
  EXPECT_FALSE(world.wait(runPodSandbox(*world.frontend, podRequest())));
  expectNothingLeft();
  EXPECT_EQ(world.script.count("netd.detach"), 2U);
}

TEST_F(Flows, SamePodTwiceIsOnePod) {
  auto request = podRequest();
  auto first = runPodSandbox(*world.frontend, request);
  auto second = runPodSandbox(*world.frontend, request);
  auto one = world.wait(kj::mv(first));
  auto two = world.wait(kj::mv(second));
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->pod_sandbox_id(), two->pod_sandbox_id());
  EXPECT_EQ(runPod(), one->pod_sandbox_id());
  EXPECT_EQ(world.script.count("launcher.makePod"), 1U);
}

TEST_F(Flows, HostNetworkPodHasNoAttachment) {
  auto request = podRequest();
  auto& options =
      *request.mutable_config()->mutable_linux()->mutable_security_context()->mutable_namespace_options();
  options.set_network(v1::NODE);
  options.set_pid(v1::CONTAINER);
  ASSERT_TRUE(world.wait(runPodSandbox(*world.frontend, request)));
  EXPECT_FALSE(world.script.saw("netd.attach"));
}

TEST_F(Flows, PodStatusSaysWhatWasAsked) {
  auto status = podStatus(runPod());
  EXPECT_EQ(status.state(), v1::SANDBOX_READY);
  EXPECT_EQ(status.network().ip(), "10.1.2.3");
  EXPECT_EQ(status.labels().at("app"), "web");
  EXPECT_GT(status.created_at(), 0);
}

TEST_F(Flows, UnknownAndMalformedIds) {
  EXPECT_TRUE(removePodOf(std::string(64, 'f')));
  EXPECT_TRUE(removePodOf("c64f5f5d-0062-4aca-b6ab-292096c79a8a"));  // no id of ours: not here
  EXPECT_EQ(removePodOf("../../etc").error().code, Code::invalidArgument);
  EXPECT_EQ(start(std::string(64, 'f')).error().code, Code::notFound);
  EXPECT_TRUE(world.wait(stopping(std::string(64, 'f'), 0)));
  EXPECT_EQ(world.wait(createContainer(*world.frontend, containerRequest(std::string(64, 'f')))).error().code,
            Code::notFound);
}

// As crictl and people type them.
TEST_F(Flows, ABeginningOfAnIdIsEnoughIfItIsUnique) {
  auto record = [](char first) {
    record::Pod pod;
    pod.set_id(std::string(4, first) + std::string(60, first == 'a' ? '1' : '2'));
    pod.set_state(record::Pod::READY);
    return pod;
  };
  auto one = world.frontend->pods.insert(record('a'));
  auto two = world.frontend->pods.insert(record('b'));
  record::Pod third = record('b');
  third.set_id("bbbb" + std::string(60, '3'));
  world.frontend->pods.insert(third);
  EXPECT_EQ(*findPod(*world.frontend, "a"), one);
  EXPECT_EQ(*findPod(*world.frontend, "bbbb2"), two);
  EXPECT_EQ(describe(findPod(*world.frontend, "c").error()), "pod_sandbox_id: no such pod");
  EXPECT_EQ(findPod(*world.frontend, "c").error().code, Code::notFound);
  // Not notFound, which a removal would take for "gone already".
  EXPECT_EQ(removePodOf("bbbb").error().code, Code::invalidArgument);
  for (const std::string& bad : std::vector<std::string>{"", ".", "a/", "0 1", std::string(129, 'x')}) {
    EXPECT_EQ(findPod(*world.frontend, bad).error().code, Code::invalidArgument) << bad;
  }
  EXPECT_EQ(findPod(*world.frontend, "A").error().code, Code::notFound);
  third.set_state(record::Pod::CREATING);
  third.set_id("cccc" + std::string(60, '3'));
  world.frontend->pods.insert(third);
  EXPECT_EQ(findPod(*world.frontend, "cccc").error().code, Code::notFound);

  auto found = [this](const std::string& id) {
    v1::ListPodSandboxRequest request;
    request.mutable_filter()->set_id(id);
    return world.wait(listPodSandbox(*world.frontend, request))->items_size();
  };
  EXPECT_EQ(found("bbbb"), 2);
  EXPECT_EQ(found("a"), 1);
  EXPECT_EQ(found("d"), 0);
}

TEST_F(Flows, ContainersAreFoundByABeginningToo) {
  auto pod = runPod();
  auto id = createIn(pod);
  EXPECT_EQ(statusOf(id.substr(0, 13)).id(), id);
  v1::ListContainersRequest request;
  request.mutable_filter()->set_id(id.substr(0, 13));
  request.mutable_filter()->set_pod_sandbox_id(pod.substr(0, 13));
  EXPECT_EQ(world.wait(listContainers(*world.frontend, request))->containers_size(), 1);
}

TEST_F(Flows, AnImageIsShownAsThePodNamesIt) {
  auto request = containerRequest(runPod());
  request.mutable_config()->mutable_image()->set_user_specified_image("busybox:as-written");
  auto response = world.wait(createContainer(*world.frontend, request));
  ASSERT_TRUE(response);
  EXPECT_EQ(statusOf(response->container_id()).image().image(), "busybox:as-written");
  EXPECT_EQ(statusOf(response->container_id()).image_id(), "sha256:" + std::string(64, 'a'));
}

TEST_F(Flows, ContainerOfUnknownImageChangesNothing) {
  auto pod = runPod();
  auto request = containerRequest(pod);
  request.mutable_config()->mutable_image()->set_image("nowhere");
  auto response = world.wait(createContainer(*world.frontend, request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::notFound);
  EXPECT_EQ(response.error().field, "config.image.image");
  EXPECT_TRUE(world.frontend->containers.all().empty());
  EXPECT_FALSE(world.script.saw("storaged.createLayer"));
}

TEST_F(Flows, ContainerWithAnImageUserThatIsNoNumberIsRefused) {
  auto pod = runPod();
  world.store.user = "99999999999999999999";
  auto response = world.wait(createContainer(*world.frontend, containerRequest(pod)));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().field, "image.config.user");
}

TEST_F(Flows, RefusalsComeInCriTermsAndAfterTheUndo) {
  auto pod = runPod();
  world.script.refusals["launcher.createContainer"] = {Code::permissionDenied, "mounts[3].source",
                                                       "is not allowed"};
  auto response = world.wait(createContainer(*world.frontend, containerRequest(pod)));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().field, "config.mounts[3].host_path");
  EXPECT_TRUE(world.store.layers.empty());
  EXPECT_TRUE(world.frontend->containers.all().empty());
}

TEST_F(Flows, ContainerThatTheLauncherRefusesIsUndone) {
  auto pod = runPod();
  world.script.refusals["launcher.createContainer"] = {Code::permissionDenied, "mounts[0].source",
                                                       "no rule allows it"};
  auto response = world.wait(createContainer(*world.frontend, containerRequest(pod)));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::permissionDenied);
  world.settle();
  EXPECT_TRUE(world.store.layers.empty());
  EXPECT_TRUE(world.frontend->containers.all().empty());
  EXPECT_FALSE(createIn(pod).empty()) << "the name is free again";
}

TEST_F(Flows, ContainerLivesAndEnds) {
  auto id = startIn(runPod());
  EXPECT_EQ(statusOf(id).state(), v1::CONTAINER_RUNNING);
  EXPECT_EQ(statusOf(id).image_id(), "sha256:" + std::string(64, 'a'));
  EXPECT_EQ(statusOf(id).log_path(), "/var/log/pods/web/main/0.log");
  EXPECT_EQ(start(id).error().code, Code::failedPrecondition);
  breathe();
  world.launcher->end(id, 0);
  breathe();
  EXPECT_EQ(statusOf(id).state(), v1::CONTAINER_EXITED);
  EXPECT_EQ(statusOf(id).reason(), "Completed");
  EXPECT_EQ(start(id).error().code, Code::failedPrecondition);
}

TEST_F(Flows, ExitWithoutAShimComesFromTheLauncher) {
  world.launcher->withoutShims = true;
  auto id = startIn(runPod());
  world.launcher->end(id, 3);
  breathe();
  EXPECT_EQ(statusOf(id).exit_code(), 3);
  EXPECT_EQ(statusOf(id).reason(), "Error");
}

TEST_F(Flows, FailedStartLeavesTheContainerCreated) {
  auto id = createIn(runPod());
  world.script.refusals["launcher.startContainer"] = {Code::internal, "", "runtime failed"};
  EXPECT_FALSE(start(id));
  EXPECT_EQ(statusOf(id).state(), v1::CONTAINER_CREATED);
  EXPECT_TRUE(start(id));
}

TEST_F(Flows, StopSignalsAndWaits) {
  auto id = startIn(runPod());
  EXPECT_TRUE(world.wait(stopping(id, 10)));
  EXPECT_TRUE(world.script.saw("launcher.signal 15"));
  EXPECT_FALSE(world.script.saw("launcher.signal 9"));
  EXPECT_EQ(statusOf(id).exit_code(), 143);
  EXPECT_TRUE(world.wait(stopping(id, 10))) << "stopped already";
}

TEST_F(Flows, ShorterStopEndsTheLongerOnes) {
  world.launcher->stubborn = true;
  auto id = startIn(runPod());
  auto patient = stopping(id, 1000).eagerlyEvaluate(nullptr);
  breathe();
  EXPECT_TRUE(world.wait(stopping(id, 1)));
  EXPECT_TRUE(world.wait(kj::mv(patient)));
  EXPECT_EQ(world.script.count("launcher.signal 15"), 1U);
  EXPECT_EQ(statusOf(id).exit_code(), 137);
}

TEST_F(Flows, ZeroTimeoutKillsAtOnce) {
  world.launcher->stubborn = true;
  auto id = startIn(runPod());
  EXPECT_TRUE(world.wait(stopping(id, 0)));
  EXPECT_FALSE(world.script.saw("launcher.signal 15"));
}

TEST_F(Flows, ExecSyncAnswersOutputAndCode) {
  auto id = startIn(runPod());
  v1::ExecSyncRequest request;
  request.set_container_id(id);
  EXPECT_EQ(world.wait(execSync(*world.frontend, request)).error().field, "cmd");
  request.add_cmd("echo");
  auto response = world.wait(execSync(*world.frontend, request));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->stdout(), "hello\n");
  EXPECT_EQ(response->exit_code(), 3);
}

TEST_F(Flows, RemovedPodLeavesNothing) {
  auto pod = runPod();
  startIn(pod, "one");
  createIn(pod, "two");
  EXPECT_TRUE(removePodOf(pod));
  expectNothingLeft();
  EXPECT_TRUE(removePodOf(pod)) << "again is fine";
}

TEST_F(Flows, StoppedPodTakesNoContainers) {
  auto pod = runPod();
  auto container = createIn(pod);
  v1::StopPodSandboxRequest stop;
  stop.set_pod_sandbox_id(pod);
  ASSERT_TRUE(world.wait(stopPodSandbox(*world.frontend, stop)));
  ASSERT_TRUE(world.wait(stopPodSandbox(*world.frontend, stop)));
  EXPECT_EQ(podStatus(pod).state(), v1::SANDBOX_NOTREADY);
  EXPECT_TRUE(world.network.attached.empty());
  EXPECT_EQ(world.wait(createContainer(*world.frontend, containerRequest(pod, "b"))).error().code,
            Code::failedPrecondition);
  EXPECT_EQ(start(container).error().code, Code::failedPrecondition);
  EXPECT_EQ(world.wait(runPodSandbox(*world.frontend, podRequest())).error().code, Code::alreadyExists);
}

TEST_F(Flows, PullMovesEveryLayer) {
  world.store.missingLayers = 3;
  v1::PullImageRequest request;
  request.mutable_image()->set_image("registry.local:5000/app:1");
  auto response = world.wait(pullImage(*world.frontend, request));
  ASSERT_TRUE(response) << describe(response.error());
  EXPECT_EQ(response->image_ref(), "sha256:" + std::string(64, 'a'));
  EXPECT_EQ(world.store.received, "layerlayerlayer");
  EXPECT_TRUE(world.frontend->pulls.entries().empty());
}

TEST_F(Flows, SamePullTwiceIsOnePullUnlessCredentialsDiffer) {
  v1::PullImageRequest request;
  request.mutable_image()->set_image("app:1");
  auto other = request;
  other.mutable_auth()->set_username("alice");
  auto elsewhere = request;
  elsewhere.mutable_sandbox_config()->mutable_metadata()->set_namespace_("elsewhere");
  auto first = pullImage(*world.frontend, request);
  auto second = pullImage(*world.frontend, request);
  auto third = pullImage(*world.frontend, other);
  auto fourth = pullImage(*world.frontend, elsewhere);
  EXPECT_EQ(world.frontend->pulls.entries().size(), 3U);
  EXPECT_TRUE(world.wait(kj::mv(first)));
  EXPECT_TRUE(world.wait(kj::mv(second)));
  EXPECT_TRUE(world.wait(kj::mv(third)));
  EXPECT_TRUE(world.wait(kj::mv(fourth)));
  EXPECT_EQ(world.script.count("imaged.resolve"), 3U);
}

TEST_F(Flows, LayersThatAnotherImageBroughtAreNotFetched) {
  world.store.missingLayers = 3;
  world.store.arrivedLayers = {0, 2};
  v1::PullImageRequest request;
  request.mutable_image()->set_image("registry.local:5000/app:1");
  ASSERT_TRUE(world.wait(pullImage(*world.frontend, request)));
  EXPECT_EQ(world.script.count("imaged.fetch"), 1U);
}

TEST_F(Flows, APullEndsWithTheLastWhoWaitsForIt) {
  v1::PullImageRequest request;
  request.mutable_image()->set_image("app:1");
  world.script.silent.insert("imaged.resolve");
  auto first = kj::heap(pullImage(*world.frontend, request));
  auto second = kj::heap(pullImage(*world.frontend, request));
  breathe();
  first = nullptr;
  breathe();
  EXPECT_EQ(world.frontend->pulls.entries().size(), 1U);
  EXPECT_FALSE(world.script.saw("imaged.resolve dropped"));
  second = nullptr;
  breathe();
  EXPECT_TRUE(world.frontend->pulls.entries().empty());
  EXPECT_TRUE(world.script.saw("imaged.resolve dropped"));

  world.script.silent.clear();
  EXPECT_TRUE(world.wait(pullImage(*world.frontend, request)));  // and the next one starts anew
  EXPECT_EQ(world.script.count("imaged.resolve app:1"), 2U);
}

// FakeImaged knows two names for a short one.
TEST_F(Flows, AShortNameIsLookedUpByAllThatItMayMean) {
  auto idOf = [this](const std::string& name) {
    v1::ImageStatusRequest request;
    request.mutable_image()->set_image(name);
    return world.wait(imageStatus(*world.frontend, request))->image().id();
  };
  world.store.images["second.test/app:1"] = std::string(64, 'a');
  EXPECT_NE(idOf("app:1"), "");
  EXPECT_EQ(idOf("docker.io/library/app:1"), "") << "a full name means itself";
  world.script.refusals["imaged.names"] = {Code::failedPrecondition, "", "an ambiguous name"};
  EXPECT_EQ(idOf("app:1"), "") << "and is not an error";
}

TEST_F(Flows, PullSaysWhoFailed) {
  v1::PullImageRequest request;
  request.mutable_image()->set_image("app:1");
  world.script.refusals["imaged.resolve"] = {Code::notFound, "image", "the registry does not have it"};
  EXPECT_EQ(world.wait(pullImage(*world.frontend, request)).error().code, Code::notFound);

  world.store.missingLayers = 1;
  world.script.refusals["imaged.fetch"] = {Code::permissionDenied, "", "the registry says no"};
  world.script.refusals["storaged.commit"] = {Code::unavailable, "", "a pipe ended early"};
  EXPECT_EQ(world.wait(pullImage(*world.frontend, request)).error().code, Code::permissionDenied);

  // storaged gives no more pipes once one has ended early; the reason is the registry's.
  world.store.missingLayers = 2;
  world.script.refusals["imaged.fetch"] = {Code::permissionDenied, "", "the registry says no"};
  world.script.refusals["storaged.layerPipe"] = {Code::unavailable, "", "a pipe ended early"};
  EXPECT_EQ(world.wait(pullImage(*world.frontend, request)).error().code, Code::permissionDenied);
  world.store.missingLayers = 1;

  world.script.refusals["storaged.commit"] = {Code::failedPrecondition, "layers[0]",
                                              "does not match its digest"};
  EXPECT_EQ(world.wait(pullImage(*world.frontend, request)).error().field, "layers[0]");

  request.mutable_image()->set_image("sha256:" + std::string(64, 'a'));
  EXPECT_EQ(world.wait(pullImage(*world.frontend, request)).error().code, Code::invalidArgument);
}

// The kubelet's word for it (cri-api, ErrRegistryUnavailable).
TEST_F(Flows, OnlyTheRegistryIsUnavailableAsARegistry) {
  v1::PullImageRequest request;
  request.mutable_image()->set_image("app:1");
  world.script.refusals["imaged.resolve"] = {Code::unavailable, "", "does not answer"};
  EXPECT_EQ(describe(world.wait(pullImage(*world.frontend, request)).error()),
            "image.image: RegistryUnavailable: does not answer");
  world.script.refusals["storaged.beginImage"] = {Code::unavailable, "", "is full"};
  EXPECT_EQ(describe(world.wait(pullImage(*world.frontend, request)).error()), "image.image: is full");
}

TEST_F(Flows, ANumberIsAUidWhateverItsGroup) {
  auto imageOf = [this](const std::string& user) {
    world.store.user = user;
    v1::ImageStatusRequest request;
    request.mutable_image()->set_image("busybox");
    return world.wait(imageStatus(*world.frontend, request))->image();
  };
  EXPECT_EQ(imageOf("1000:staff").uid().value(), 1000);
  EXPECT_EQ(imageOf("www:33").username(), "www");
  EXPECT_FALSE(imageOf("99999999999:1").has_uid());
}

TEST_F(Flows, AnImageIsShownWithItsDocumentToWhoAsks) {
  v1::ImageStatusRequest request;
  request.mutable_image()->set_image("busybox");
  world.store.document = R"({"config":{"User":"me"}})";
  auto usual = world.wait(imageStatus(*world.frontend, request));
  EXPECT_EQ(usual->info_size(), 0);
  EXPECT_FALSE(usual->image().pinned());
  EXPECT_EQ(usual->image().spec().annotations().at("io.kubernetes.pod.name"), "claimed");
  request.set_verbose(true);
  EXPECT_EQ(world.wait(imageStatus(*world.frontend, request))->info().at("info"),
            R"({"imageSpec":{"config":{"User":"me"}}})");
  world.store.document = "\xff";  // a text that gRPC cannot carry
  EXPECT_EQ(world.wait(imageStatus(*world.frontend, request))->info_size(), 0);

  world.store.images["docker.io/library/pinned:1"] = std::string(64, 'b');
  request.mutable_image()->set_image("pinned:1");
  EXPECT_TRUE(world.wait(imageStatus(*world.frontend, request))->image().pinned());
}

TEST_F(Flows, AbsentImageIsAnEmptyAnswer) {
  v1::ImageStatusRequest request;
  request.mutable_image()->set_image("nowhere");
  auto response = world.wait(imageStatus(*world.frontend, request));
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->has_image());
  request.mutable_image()->set_image("busybox");
  EXPECT_EQ(world.wait(imageStatus(*world.frontend, request))->image().id(),
            "sha256:" + std::string(64, 'a'));
}

TEST_F(Flows, RestartKeepsRunningContainersAndHearsOfTheirEnd) {
  auto pod = runPod();
  auto id = startIn(pod);
  world.restart();
  EXPECT_EQ(podStatus(pod).state(), v1::SANDBOX_READY);
  EXPECT_EQ(statusOf(id).state(), v1::CONTAINER_RUNNING);
  breathe();
  world.launcher->end(id, 7);
  breathe();
  EXPECT_EQ(statusOf(id).exit_code(), 7);
}

TEST_F(Flows, RestartLearnsWhatEndedMeanwhile) {
  auto pod = runPod();
  auto ended = startIn(pod, "ended");
  auto lost = startIn(pod, "lost");
  world.frontend.reset();
  world.launcher->end(ended, 5);
  world.launcher->containers.erase(lost);
  world.restart();
  EXPECT_EQ(statusOf(ended).exit_code(), 5);
  EXPECT_EQ(statusOf(lost).state(), v1::CONTAINER_EXITED);
  EXPECT_EQ(statusOf(lost).reason(), "MonitorLost");
}

TEST_F(Flows, RestartAfterARebootFindsEverythingEnded) {
  auto pod = runPod();
  auto id = startIn(pod);
  world.frontend.reset();
  world.launcher->containers.clear();
  world.launcher->pods.clear();
  world.restart();
  EXPECT_EQ(podStatus(pod).state(), v1::SANDBOX_NOTREADY);
  EXPECT_EQ(statusOf(id).state(), v1::CONTAINER_EXITED);
  world.settle();
  EXPECT_TRUE(world.network.attached.empty());
  EXPECT_TRUE(removePodOf(pod));
  expectNothingLeft();
}

TEST_F(Flows, RestartUndoesWhatWasHalfMadeAndRemovesOrphans) {
  // As a crash in the middle of both creations leaves it.
  record::Pod half;
  half.set_id(std::string(64, '1'));
  half.set_state(record::Pod::CREATING);
  world.frontend->pods.insert(half);
  record::Container halfContainer;
  halfContainer.set_id(std::string(64, '2'));
  halfContainer.set_pod_id(half.id());
  halfContainer.set_state(record::Container::CREATING);
  world.frontend->containers.insert(halfContainer);
  world.store.layers.insert(halfContainer.id());
  world.network.attached.insert(half.id());
  world.launcher->pods.insert(half.id());
  // And what nobody remembers.
  world.store.layers.insert(std::string(64, '3'));
  world.network.attached.insert(std::string(64, '4'));
  world.launcher->pods.insert(std::string(64, '5'));
  world.restart();
  expectNothingLeft();
}

}  // namespace
}  // namespace bulkhead::cri
