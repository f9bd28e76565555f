// Flows when something breaks: a peer that hangs, a full disk, a crash between effect and record.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "daemons/cri-frontend/tests/flow-test.h"

namespace bulkhead::cri {
namespace {

using test::containerRequest;
using test::podRequest;

class Trouble : public test::FlowTest {};

// While it is full, no file of this process can grow.
class Disk {
 public:
  Disk() : handler_(::signal(SIGXFSZ, SIG_IGN)) { ::getrlimit(RLIMIT_FSIZE, &before_); }
  ~Disk() {
    clear();
    (void)::signal(SIGXFSZ, handler_);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  void fill() {
    struct rlimit none = before_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  void clear() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  struct rlimit before_ {};
  void (*handler_)(int);
};

TEST_F(Trouble, DaemonsThatHangDelayARestartByPatienceOnly) {
  auto pod = runPod();
  auto id = startIn(pod);
  world.script.silent = {"netd.list", "storaged.listLayers", "launcher.list"};
  world.patience = 100 * kj::MILLISECONDS;
  world.restart();
  EXPECT_EQ(podStatus(pod).state(), v1::SANDBOX_READY) << "what we remember is believed";
  EXPECT_EQ(statusOf(id).state(), v1::CONTAINER_RUNNING);
  breathe();
  world.launcher->end(id, 4);
  breathe();
  EXPECT_EQ(statusOf(id).exit_code(), 4) << "watched";
}

TEST_F(Trouble, StatusDoesNotWaitForANetdThatHangs) {
  world.script.silent = {"netd.status"};
  auto response = world.wait(status(*world.frontend, {}));
  ASSERT_TRUE(response);
  EXPECT_TRUE(response->status().conditions(0).status());
  EXPECT_FALSE(response->status().conditions(1).status());
  EXPECT_EQ(response->status().conditions(1).message(), "netd does not answer");
}

TEST_F(Trouble, AStartThatWeDidNotSurviveHasItsTime) {
  auto id = createIn(runPod());
  world.frontend.reset();
  auto& container = *world.launcher->containers.at(id);
  container.state = schema::ContainerInfo::State::RUNNING;
  container.startedAt = 1234567890;
  world.restart();
  EXPECT_EQ(statusOf(id).state(), v1::CONTAINER_RUNNING);
  EXPECT_EQ(statusOf(id).started_at(), 1234567890);
  container.startedAt = 0;  // an older launcher
  world.restart();
  EXPECT_EQ(statusOf(id).started_at(), 1234567890);
}

TEST_F(Trouble, AnExitIsToldOnAFullDisk) {
  auto id = startIn(runPod());
  Disk disk;
  disk.fill();
  EXPECT_TRUE(world.wait(stopping(id, 10)));
  EXPECT_EQ(statusOf(id).exit_code(), 143);
  disk.clear();
  world.restart();
  EXPECT_EQ(statusOf(id).exit_code(), 143) << "learnt again";
}

TEST_F(Trouble, AStartOnAFullDiskIsWatched) {
  auto id = createIn(runPod());
  Disk disk;
  disk.fill();
  EXPECT_ANY_THROW((void)start(id));
  disk.clear();
  EXPECT_EQ(statusOf(id).state(), v1::CONTAINER_RUNNING);
  breathe();
  world.launcher->end(id, 3);
  breathe();
  EXPECT_EQ(statusOf(id).exit_code(), 3);
}

TEST_F(Trouble, CreationsOnAFullDiskAreUndoneOnceThereIsRoom) {
  Disk disk;
  world.script.hooks["launcher.makePod"] = [&disk]() { disk.fill(); };
  EXPECT_ANY_THROW((void)world.wait(runPodSandbox(*world.frontend, podRequest())));
  for (const auto& [id, pod] : world.frontend->pods.all()) {
    EXPECT_EQ(pod->record.state(), record::Pod::CREATING) << "not to be found";
  }
  disk.clear();
  expectNothingLeft();

  world.script.hooks.clear();
  auto pod = runPod();
  world.script.hooks["launcher.createContainer"] = [&disk]() { disk.fill(); };
  EXPECT_ANY_THROW((void)world.wait(createContainer(*world.frontend, containerRequest(pod))));
  disk.clear();
  world.settle();
  EXPECT_TRUE(world.frontend->containers.all().empty());
  EXPECT_TRUE(world.store.layers.empty());

  disk.fill();
  EXPECT_ANY_THROW((void)removePodOf(pod));
  disk.clear();
  EXPECT_TRUE(removePodOf(pod)) << "repeated from the start";
  expectNothingLeft();
}

TEST_F(Trouble, WorkThatBreaksIsRepeatedLikeRefusedWork) {
  int tries = 0;
  (void)world.frontend->background.add("test", "x", [&tries]() -> Answer<void> {
    if (++tries == 1) throw std::runtime_error("disk I/O error");
    return good();
  });
  world.settle();
  EXPECT_EQ(tries, 2);
}

TEST_F(Trouble, ACreationThatMeetsAStopLeavesNothing) {
  auto pod = runPod();
  auto creating = createContainer(*world.frontend, containerRequest(pod)).eagerlyEvaluate(nullptr);
  v1::StopPodSandboxRequest stop;
  stop.set_pod_sandbox_id(pod);
  EXPECT_TRUE(world.wait(stopPodSandbox(*world.frontend, stop)));
  EXPECT_EQ(world.wait(kj::mv(creating)).error().code, Code::failedPrecondition);
  EXPECT_FALSE(world.script.saw("storaged.createLayer"));
  EXPECT_TRUE(world.frontend->containers.all().empty());
}

TEST_F(Trouble, AFlowThatDiesWithUsIsUndoneByTheNextStart) {
  world.script.silent = {"netd.attach"};
  auto request = podRequest();
  auto running = runPodSandbox(*world.frontend, request).eagerlyEvaluate(nullptr);
  breathe();
  EXPECT_EQ(world.frontend->pods.all().size(), 1U);
  running = nullptr;
  world.frontend.reset();
  world.script.silent.clear();
  world.restart();
  expectNothingLeft();
}

TEST_F(Trouble, AStopSignalThatWasRefusedIsSentAgain) {
  auto id = startIn(runPod());
  world.script.refusals["launcher.signal 15"] = {Code::unavailable, "", "busy"};
  auto first = stopping(id, 1000).eagerlyEvaluate(nullptr);
  breathe();
  EXPECT_EQ(statusOf(id).state(), v1::CONTAINER_RUNNING);
  EXPECT_TRUE(world.wait(stopping(id, 1000)));
  EXPECT_TRUE(world.wait(kj::mv(first)));
  EXPECT_EQ(statusOf(id).exit_code(), 143);
}

}  // namespace
}  // namespace bulkhead::cri
