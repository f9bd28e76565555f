// The supervisor of `bulkheadctl up`: holds the doors, starts the daemons, restarts those that die, takes all
// down. One thread, one poll(2).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/instance.h"
#include "cli/supervisor/cgroup-home.h"
#include "cli/supervisor/daemon-process.h"
#include "cli/supervisor/daemons.h"
#include "cli/supervisor/guardian.h"
#include "cli/supervisor/listeners.h"
#include "cli/supervisor/survivors.h"

namespace bulkhead::supervisor {

struct Timing {
  std::chrono::milliseconds readyLimit{30'000};   // for all daemons to say READY
  std::chrono::milliseconds stopLimit{5'000};     // between SIGTERM and SIGKILL
  std::chrono::milliseconds firstBackoff{100};    // before a restart; doubles with each death…
  std::chrono::milliseconds lastBackoff{5'000};   // … up to this…
  std::chrono::milliseconds stableAfter{10'000};  // … and starts anew after a run this long
};

class Supervisor {
 public:
  // Makes the notify socket, control groups and listeners; starts nothing. The directories exist and the
  // caller holds the instance's lock. Blocks the signals that it handles. Throws SystemError or
  // std::runtime_error.
  Supervisor(const cli::Instance& instance, const cli::Accounts& accounts, const cli::Place& streaming,
             const cli::StartFiles& files, Timing timing);
  ~Supervisor();

  // Starts all daemons and keeps them running until SIGINT, SIGTERM or SIGHUP; calls `onReady` once, when all
  // are ready. All daemons are down when it returns. Throws std::runtime_error, naming the daemon, if one
  // does not become ready in time or dies three times before it ever was.
  void run(const std::function<void()>& onReady);

  // After run(): containers and their shims live on without the daemons.
  [[nodiscard]] Survivors survivors() const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Daemon {
    DaemonSpec spec;
    std::vector<std::pair<std::string, Fd>> listeners;  // by their names
    Fd cgroupProcesses;
    DaemonProcess process;  // pid 0: not running
    bool ready = false;
    bool everReady = false;
    int deaths = 0;  // before it was ever ready
    Clock::time_point started;
    std::chrono::milliseconds backoff{0};
    std::optional<Clock::time_point> restartAt;
  };

  void start(unsigned slot);
  void step(const std::function<void()>& onReady);
  // The next moment at which something is due.
  Clock::time_point nextDue() const;
  void handleSignals();
  void handleNotifications();
  void restartDue();
  void reap();
  void died(Daemon& daemon, int waitStatus);
  void checkReady(const std::function<void()>& onReady);
  void checkLate();
  void renewGuardian();
  std::vector<std::string> argumentsOf(const DaemonSpec& spec) const;
  bool anyRunning() const;
  void signalAll(int number) const;
  void waitUntilDown(Clock::time_point deadline);
  void takeDown();
  void cleanUp();

  cli::Instance instance_;
  cli::StartFiles files_;
  Timing timing_;
  Fd signals_;
  CgroupHome cgroups_;
  NotifySocket notify_;
  std::vector<Daemon> daemons_;
  std::unique_ptr<Guardian> guardian_;
  Clock::time_point begun_;
  bool announced_ = false;
  int stopSignals_ = 0;
};

}  // namespace bulkhead::supervisor
