#include "daemons/shim/launcher/container.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/capabilities.h"
#include "daemons/shim/cgroup/cgroups.h"
#include "daemons/shim/namespaces/pod-namespaces.h"
#include "daemons/shim/record/exit-record.h"
#include "ipc/convert.h"

namespace bulkhead::launcher {
namespace {

using ipc::toString;
using State = schema::ContainerInfo::State;
using namespace std::chrono_literals;

// A monitor drains its pipes for at most two seconds before it writes the exit record.
constexpr auto recordDelay = 3s;

std::optional<shim::ExitRecord> exitOf(int directory) {
  Fd file = tryOpenBeneath(directory, "exit", O_RDONLY);
  return file ? shim::readExit(file.get()) : std::nullopt;
}

// Nothing if the record comes neither now nor from a monitor that still lives.
std::optional<shim::ExitRecord> awaitExit(int directory, int monitor) {
  auto deadline = std::chrono::steady_clock::now() + recordDelay;
  while (true) {
    bool gone = monitor < 0 || hasEnded(monitor, 0ms);
    auto record = exitOf(directory);
    if (record || gone || std::chrono::steady_clock::now() > deadline) return record;
    std::this_thread::sleep_for(2ms);
  }
}

void writeExitInfo(int directory, const shim::ExitRecord& record, schema::ContainerInfo::Builder info) {
  auto exit = info.initExit();
  exit.setCode(record.code);
  exit.setFinishedAt(record.finishedAt);
  exit.setOomKilled(record.oomKilled);
  if (Fd started = tryOpenBeneath(directory, "started", O_RDONLY))
    exit.setStartedAt(shim::readStarted(started.get()));
}

// The monitor has nothing left to do once its record is there; its waiters were answered in the same turn.
void endMonitor(int monitor) {
  constexpr auto grace = 20ms;
  if (monitor < 0 || hasEnded(monitor, grace)) return;
  (void)::syscall(SYS_pidfd_send_signal, monitor, SIGKILL, nullptr, 0);
  (void)hasEnded(monitor, 1s);
}

// Nobody reads its output or will know how it ended (docs/decisions/0006).
void endOrphan(int process) {
  log::warning("a container without its monitor is killed");
  (void)::syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0);
  (void)hasEnded(process, 2s);
}

void describeLiving(int directory, const std::string& gate, schema::ContainerProcesses::Reader processes,
                    schema::ContainerInfo::Builder info) {
  Fd file = tryOpenBeneath(directory, "started", O_RDONLY);
  std::int64_t started = file ? shim::readStarted(file.get()) : 0;
  info.setPid(processes.getPid());
  // The time is written first: a start that was killed on its way has not happened.
  bool happened = started != 0 && ::access(gate.c_str(), F_OK) != 0;
  info.setState(happened ? State::RUNNING : State::CREATED);
  if (started != 0) info.initExit().setStartedAt(started);
}

std::string cgroupOf(const Container& container) {
  return launcher::cgroupOf(container.pod->record, container.id);
}

}  // namespace

Outcome<Container> findContainer(const Context& context, capnp::Text::Reader text, record::Lock lock) {
  auto id = ContainerId::parse(toString(text), "containerId");
  if (!id) return tl::unexpected(id.error());
  auto podId = record::podOf(context.pods, *id);
  Fd podDirectory =
      podId ? record::lockPod(context.pods, *podId, record::Lock::shared, record::Absent::leave) : Fd();
  Fd directory;
  if (podDirectory) directory = record::lockContainer(podDirectory.get(), *id, lock, record::Absent::leave);
  auto pod = directory ? readPod(podDirectory.get()) : nullptr;
  if (!pod) return refuse(Code::notFound, "containerId", "is not a container of this node");
  return Container{*id, *podId, std::move(podDirectory), std::move(directory), std::move(pod)};
}

State stateOf(const Context& context, const Container& container) {
  capnp::MallocMessageBuilder scratch;
  return fillInfo(context, container, scratch.initRoot<schema::ContainerInfo>());
}

Outcome<Container> findRunning(const Context& context, capnp::Text::Reader id) {
  auto container = findContainer(context, id, record::Lock::shared);
  if (container && stateOf(context, *container) != State::RUNNING)
    return refuse(Code::failedPrecondition, "containerId", "is not running");
  return container;
}

std::string startGate(const Context& context, schema::PodRecord::Reader pod, const ContainerId& id) {
  return context.layout.ociDirectory() + "/" + toString(pod.getRuntime()) + "/" + id.text() + "/exec.fifo";
}

std::string cgroupOf(schema::PodRecord::Reader pod, const ContainerId& id) {
  return toString(pod.getCgroup()) + "/" + id.text();
}

State describeContainer(int directory, const std::string& gate, schema::ContainerInfo::Builder info,
                        Wait wait) {
  auto packet = record::readRecord(directory, "processes");
  auto exited = exitOf(directory);
  if (packet && !exited) {
    auto processes = packet->as<schema::ContainerProcesses>();
    Fd monitor = openProcess(processes.getShimPid(), processes.getShimStarted());
    bool monitored = monitor && !hasEnded(monitor.get(), 0ms);
    Fd process = openProcess(processes.getPid(), processes.getStarted());
    // In this order: a monitor ends after its container, so one that was gone before is gone for another
    // reason.
    bool lives = process && !hasEnded(process.get(), 0ms);
    if (lives && monitored) {
      describeLiving(directory, gate, processes, info);
      return info.getState();
    }
    if (lives) endOrphan(process.get());
    exited = wait == Wait::no ? exitOf(directory) : awaitExit(directory, monitor.get());
    if (!exited && monitored && wait == Wait::no) {
      info.setState(State::RUNNING);
      return State::RUNNING;
    }
  }
  if (exited) writeExitInfo(directory, *exited, info);
  info.setState(exited ? State::EXITED : State::LOST);
  return info.getState();
}

State fillInfo(const Context& context, const Container& container, schema::ContainerInfo::Builder info) {
  info.setId(container.id.text());
  info.setPodId(container.podId.text());
  info.setCgroup(cgroupOf(container));
  return describeContainer(container.directory.get(), startGate(context, container.pod->record, container.id),
                           info, Wait::forRecord);
}

ipc::Packet readSpec(int directory) {
  auto spec = record::readRecord(directory, "container");
  if (!spec) throw std::runtime_error("container without a record");
  return std::move(*spec);
}

oci::Grants grantsFor(const Context& context, schema::PodRecord::Reader pod,
                      schema::ContainerSpec::Reader spec) {
  oci::Grants grants;
  auto held = jail::permittedCapabilities();
  std::string missing;
  auto holds = [held](std::string_view name) {
    for (int number = 0; number < 64; ++number) {
      if (jail::capabilityName(number) == name) return (held >> number & 1) != 0;
    }
    return false;
  };
  for (auto text : spec.getCapabilities()) {
    std::string name = toString(text);
    holds(name) ? grants.capabilities.push_back(name) : void(missing += " " + name);
  }
  for (auto text : spec.getAmbientCapabilities()) {
    if (holds(toString(text))) grants.ambient.push_back(toString(text));
  }
  if (!missing.empty()) log::warning("not held here, so not granted", {{"capabilities", missing}});
  if (spec.getResources().getHasOomScoreAdj()) {
    std::int64_t asked = spec.getResources().getOomScoreAdj();
    // proc(5): lowering the score below our own needs CAP_SYS_RESOURCE.
    std::int64_t own = std::strtol(readSmallFile("/proc/self/oom_score_adj").c_str(), nullptr, 10);
    grants.oomScoreAdj = holds("CAP_SYS_RESOURCE") ? asked : std::max(asked, own);
    if (*grants.oomScoreAdj != asked)
      log::warning("OOM score cannot be lowered here", {{"asked", std::to_string(asked)}});
  }
  bool unconfined = context.config.getCeiling().getSeccompUnconfined();
  grants.defaultSeccomp = spec.getSeccomp() == schema::Seccomp::RUNTIME_DEFAULT ||
                          (spec.getSeccomp() == schema::Seccomp::UNSPECIFIED && !unconfined);
  grants.cgroupsPath = toString(pod.getCgroup()) + "/" + toString(spec.getId());
  grants.ipcNamespace = namespaces::ipcPin(context.layout, pod.getSpec());
  grants.utsNamespace = namespaces::utsPin(context.layout, pod.getSpec());
  grants.sysctls = pod.getSpec().getSysctls();
  grants.cgroupV2 = cgroup::isV2();
  grants.swapAccounting = cgroup::hasSwapAccounting();
  grants.hugetlb = cgroup::hasHugetlb();
  return grants;
}

Outcome<void> startContainer(const Context& context, capnp::Text::Reader id) {
  auto container = findContainer(context, id, record::Lock::exclusive);
  if (!container) return tl::unexpected(container.error());
  State state = stateOf(context, *container);
  if (state == State::RUNNING) return {};
  if (state != State::CREATED) return refuse(Code::failedPrecondition, "containerId", "has already ended");
  auto runtime = OciRuntime::find(context, toString(container->pod->record.getRuntime()));
  if (!runtime) return tl::unexpected(runtime.error());
  Fd started = openBeneath(container->directory.get(), "started", O_WRONLY);
  if (!shim::writeStarted(started.get(), shim::wallClock())) throwErrno("write start time");
  auto done = runtime->run({"start", container->id.text()});
  if (!done && ::ftruncate(started.get(), 0) != 0) throwErrno("take start time back");
  return done;
}

Outcome<void> signalContainer(const Context& context, schema::Signal::Reader signal) {
  if (signal.getSignal() < 1 || signal.getSignal() > 64) return invalid("signal", "is not 1 to 64");
  auto container = findContainer(context, signal.getContainerId(), record::Lock::shared);
  if (!container) return tl::unexpected(container.error());
  auto hasEndedNow = [&context, &container] {
    State state = stateOf(context, *container);
    return state == State::EXITED || state == State::LOST;
  };
  if (hasEndedNow()) {
    // Beside its first process there can be others where the namespace is not the container's own.
    if (signal.getAll() && signal.getSignal() == SIGKILL) cgroup::killAll(cgroupOf(*container));
    return {};
  }
  auto runtime = OciRuntime::find(context, toString(container->pod->record.getRuntime()));
  if (!runtime) return tl::unexpected(runtime.error());
  std::vector<std::string> arguments{"kill", container->id.text(), std::to_string(signal.getSignal())};
  if (signal.getAll()) arguments.insert(arguments.begin() + 1, "--all");
  auto done = runtime->run(arguments);
  if (!done && hasEndedNow()) return {};  // it ended while we asked
  return done;
}

Outcome<void> discardContainer(const Context& context, const Container& container) {
  auto runtime = OciRuntime::find(context, toString(container.pod->record.getRuntime()));
  if (!runtime) return tl::unexpected(runtime.error());
  if (runtime->knows(container.id.text())) {
    auto deleted = runtime->run({"delete", "--force", container.id.text()});
    if (!deleted && runtime->knows(container.id.text())) return deleted;
  }
  if (auto packet = record::readRecord(container.directory.get(), "processes")) {
    auto processes = packet->as<schema::ContainerProcesses>();
    Fd monitor = openProcess(processes.getShimPid(), processes.getShimStarted());
    (void)awaitExit(container.directory.get(), monitor.get());
    endMonitor(monitor.get());
  }
  cgroup::killAll(cgroupOf(container));
  cgroup::remove(cgroupOf(container));
  (void)::unlink((context.layout.shimDirectory() + "/" + container.id.text() + ".sock").c_str());
  std::filesystem::remove_all(record::podPath(context.pods, container.podId) + "/containers/" +
                              container.id.text());
  record::unindexContainer(context.pods, container.id);
  return {};
}

Outcome<void> deleteContainer(const Context& context, capnp::Text::Reader text) {
  auto container = findContainer(context, text, record::Lock::exclusive);
  if (container) return discardContainer(context, *container);
  if (container.error().code != Code::notFound) return tl::unexpected(container.error());
  record::unindexContainer(context.pods, ContainerId::parse(toString(text), "").value());
  return {};
}

}  // namespace bulkhead::launcher
