#include "cli/supervisor/supervisor.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <stdexcept>

#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"

namespace bulkhead::supervisor {
namespace {

using std::chrono::milliseconds;

// A daemon that cannot start is not restarted until the end of the ready limit.
constexpr int maxDeathsBeforeReady = 3;

Fd blockSignals() {
  sigset_t handled;
  ::sigemptyset(&handled);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&handled, number);
  if (::sigprocmask(SIG_BLOCK, &handled, nullptr) != 0) throwErrno("sigprocmask");
  Fd fd(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throwErrno("signalfd");
  return fd;
}

CgroupHome makeHome(const std::string& tag) {
  auto place = findCgroupPlace(readSmallFile("/proc/self/mountinfo"), readSmallFile("/proc/self/cgroup"));
  if (!place) {
    throw std::runtime_error(
        "no control group hierarchy (unified, pids or name=systemd) is mounted where this process can see "
        "its own group");
  }
  return {*place, tag};
}

std::string endText(int waitStatus) {
  ExitStatus end = exitStatusOf(waitStatus);
  if (end.signalled) return "killed by signal " + std::to_string(end.code - 128);
  return "exit status " + std::to_string(end.code);
}

std::string seconds(milliseconds time) {
  return std::to_string(time.count() / 1000.0).substr(0, 4) + " s";
}

}  // namespace

Supervisor::Supervisor(const cli::Instance& instance, const cli::Accounts& accounts,
                       const cli::Place& streaming, const cli::StartFiles& files, Timing timing)
    : instance_(instance),
      files_(files),
      timing_(timing),
      signals_(blockSignals()),
      cgroups_(makeHome(instance.tag())),
      notify_(instance.layout.run + "/notify") {
  for (DaemonSpec& spec : daemonsOf(instance.layout, accounts, streaming)) {
    Daemon daemon;
    for (const SocketSpec& socket : spec.sockets)
      daemon.listeners.emplace_back(socket.name, makeListener(socket));
    for (const InetSpec& socket : spec.inetSockets)
      daemon.listeners.emplace_back(socket.name, makeListener(socket));
    daemon.cgroupProcesses = cgroups_.make(spec.name);
    daemon.spec = std::move(spec);
    daemons_.push_back(std::move(daemon));
  }
}

Supervisor::~Supervisor() = default;

void Supervisor::run(const std::function<void()>& onReady) {
  begun_ = Clock::now();
  guardian_ = std::make_unique<Guardian>();
  try {
    for (unsigned slot = 0; slot < daemons_.size(); ++slot) start(slot);
    while (stopSignals_ == 0) step(onReady);
  } catch (...) {
    takeDown();
    throw;
  }
  takeDown();
}

void Supervisor::step(const std::function<void()>& onReady) {
  auto wait = std::chrono::ceil<milliseconds>(nextDue() - Clock::now());
  struct pollfd sources[] = {{signals_.get(), POLLIN, 0}, {notify_.fd(), POLLIN, 0}};
  int n = ::poll(sources, 2, static_cast<int>(std::max<milliseconds::rep>(wait.count(), 0)));
  if (n < 0 && errno != EINTR) throwErrno("poll");
  // Notifications first: a daemon may say READY and die; it was ready.
  handleNotifications();
  handleSignals();
  checkReady(onReady);
  checkLate();
  if (stopSignals_ == 0) restartDue();
}

void Supervisor::start(unsigned slot) {
  Daemon& daemon = daemons_[slot];
  DaemonStart how;
  how.program = instance_.library + "/" + daemon.spec.program;
  how.arguments = argumentsOf(daemon.spec);
  for (const auto& [name, listener] : daemon.listeners) how.listeners.emplace_back(name, listener.get());
  how.notifyPath = notify_.path();
  how.cgroupProcesses = daemon.cgroupProcesses.get();
  daemon.process = startDaemonProcess(how);
  daemon.started = Clock::now();
  daemon.ready = false;
  daemon.restartAt.reset();
  guardian_->watch(slot, daemon.process.pidfd.get());
}

std::vector<std::string> Supervisor::argumentsOf(const DaemonSpec& spec) const {
  std::vector<std::string> words;
  auto add = [&words](const char* option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  add("--root", instance_.root);
  add("--config", files_.config);
  add("--ceiling", files_.ceiling);
  add("--library", instance_.library);
  if (!spec.peer.empty()) add("--peer-cgroup", cgroups_.lineOf(spec.peer));
  if (!spec.mounterPeer.empty()) add("--mounter-peer-cgroup", cgroups_.lineOf(spec.mounterPeer));
  return words;
}

Supervisor::Clock::time_point Supervisor::nextDue() const {
  Clock::time_point due = Clock::now() + std::chrono::hours(1);
  for (const Daemon& daemon : daemons_) {
    if (daemon.restartAt) due = std::min(due, *daemon.restartAt);
    if (daemon.process.pid != 0 && !daemon.ready) due = std::min(due, daemon.started + timing_.readyLimit);
  }
  if (!announced_) due = std::min(due, begun_ + timing_.readyLimit);
  return due;
}

void Supervisor::handleSignals() {
  struct signalfd_siginfo signal {};
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo != SIGCHLD) ++stopSignals_;
  }
  reap();
}

void Supervisor::handleNotifications() {
  for (bool more = true; more;) {
    auto sender = notify_.receive(more);
    auto daemon =
        std::ranges::find_if(daemons_, [&](const Daemon& d) { return sender && d.process.pid == *sender; });
    if (daemon == daemons_.end()) continue;
    daemon->ready = true;
    daemon->everReady = true;
    if (announced_) log::info("daemon ready", {{"daemon", daemon->spec.name}});
  }
}

void Supervisor::reap() {
  for (Daemon& daemon : daemons_) {
    int status = 0;
    if (daemon.process.pid != 0 && ::waitpid(daemon.process.pid, &status, WNOHANG) > 0) died(daemon, status);
  }
  if (stopSignals_ == 0 && guardian_ && ::waitpid(guardian_->pid(), nullptr, WNOHANG) > 0) renewGuardian();
}

void Supervisor::died(Daemon& daemon, int waitStatus) {
  daemon.process = {};
  if (stopSignals_ > 0) return;
  auto now = Clock::now();
  if (!daemon.everReady && ++daemon.deaths >= maxDeathsBeforeReady) {
    throw std::runtime_error(daemon.spec.program + " does not start: " + endText(waitStatus) + ", " +
                             std::to_string(daemon.deaths) + " times; its own message is above");
  }
  bool stable = now - daemon.started >= timing_.stableAfter;
  bool first = daemon.backoff.count() == 0 || stable;
  daemon.backoff = first ? timing_.firstBackoff : std::min(daemon.backoff * 2, timing_.lastBackoff);
  daemon.restartAt = now + daemon.backoff;
  log::warning("daemon died, restarting it", {{"daemon", daemon.spec.name},
                                              {"end", endText(waitStatus)},
                                              {"backoff_ms", std::to_string(daemon.backoff.count())}});
}

void Supervisor::restartDue() {
  for (unsigned slot = 0; slot < daemons_.size(); ++slot) {
    auto due = daemons_[slot].restartAt;
    if (due && *due <= Clock::now()) start(slot);
  }
}

void Supervisor::checkReady(const std::function<void()>& onReady) {
  if (announced_ || !std::ranges::all_of(daemons_, &Daemon::ready)) return;
  announced_ = true;
  log::info("all daemons ready",
            {{"after", seconds(std::chrono::ceil<milliseconds>(Clock::now() - begun_))}});
  onReady();
}

void Supervisor::checkLate() {
  auto now = Clock::now();
  for (Daemon& daemon : daemons_) {
    if (!announced_ && !daemon.ready && now - begun_ >= timing_.readyLimit) {
      throw std::runtime_error(daemon.spec.program + " did not become ready within " +
                               seconds(timing_.readyLimit));
    }
    if (daemon.process.pid == 0 || daemon.ready || now - daemon.started < timing_.readyLimit) continue;
    log::error("daemon not ready in time, killing it", {{"daemon", daemon.spec.name}});
    (void)::kill(daemon.process.pid, SIGKILL);
    daemon.started = now;
  }
}

void Supervisor::renewGuardian() {
  log::warning("guardian died, starting another");
  guardian_ = std::make_unique<Guardian>();
  for (unsigned slot = 0; slot < daemons_.size(); ++slot) {
    if (daemons_[slot].process.pid != 0) guardian_->watch(slot, daemons_[slot].process.pidfd.get());
  }
}

bool Supervisor::anyRunning() const {
  return std::ranges::any_of(daemons_, [](const Daemon& daemon) { return daemon.process.pid != 0; });
}

void Supervisor::signalAll(int number) const {
  for (const Daemon& daemon : daemons_) {
    if (daemon.process.pid != 0) (void)::kill(daemon.process.pid, number);
  }
}

void Supervisor::waitUntilDown(Clock::time_point deadline) {
  int before = stopSignals_;
  while (anyRunning() && stopSignals_ == before) {  // a further ^C ends the wait
    auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return;
    struct pollfd source {
      signals_.get(), POLLIN, 0
    };
    (void)::poll(&source, 1, static_cast<int>(left.count()));
    handleSignals();
  }
}

void Supervisor::takeDown() {
  stopSignals_ = std::max(stopSignals_, 1);  // from now on a death is no reason for a restart
  signalAll(SIGTERM);
  waitUntilDown(Clock::now() + timing_.stopLimit);
  for (const Daemon& daemon : daemons_) {
    if (daemon.process.pid != 0)
      log::warning("daemon ignores SIGTERM, killing it", {{"daemon", daemon.spec.name}});
  }
  signalAll(SIGKILL);
  while (anyRunning()) waitUntilDown(Clock::now() + timing_.stopLimit);
  cleanUp();
}

void Supervisor::cleanUp() {
  std::vector<std::string> groups;
  for (const Daemon& daemon : daemons_) {
    groups.push_back(daemon.spec.name);
    for (const SocketSpec& socket : daemon.spec.sockets) (void)::unlink(socket.path.c_str());
  }
  (void)::unlink(notify_.path().c_str());
  // Helpers go when they see their daemon gone; shims stay, and their group with them.
  constexpr int attempts = 20;
  for (int i = 0; i < attempts && !cgroups_.remove(groups) && survivors().containers == 0; ++i) {
    (void)::usleep(50'000);
  }
}

Survivors Supervisor::survivors() const {
  return countSurvivors(instance_.layout, cgroups_.processesOf("launcher"));
}

}  // namespace bulkhead::supervisor
