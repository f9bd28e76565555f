#include "daemons/shim/launcher/server.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/base/sockets.h"

namespace bulkhead::launcher {
namespace {

// Requests at once; more wait in the listener's backlog.
constexpr size_t mostHandlers = 256;
// Execs at once, which last as long as their commands and so must not use up the others' places.
constexpr size_t mostExecs = 1024;

Fd takeSignals() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (int number : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&wanted, number);
  if (::sigprocmask(SIG_BLOCK, &wanted, nullptr) != 0) throwErrno("sigprocmask");
  Fd signals(::signalfd(-1, &wanted, SFD_CLOEXEC));
  if (!signals) throwErrno("signalfd");
  return signals;
}

class Server {
 public:
  Server(const Context& context, const Fd& listener, const ipc::PermittedPeer& permitted)
      : context_(context), listener_(listener), permitted_(permitted), signals_(takeSignals()) {}

  void run() {
    while (true) {
      pollfd ready[] = {
          {signals_.get(), POLLIN, 0}, {execs_.read.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      nfds_t count = handlers_.size() < mostHandlers ? 3 : 2;
      if (::poll(ready, count, -1) < 0 && errno != EINTR) throwErrno("poll");
      if (ready[1].revents != 0) takeExec();
      if (ready[0].revents != 0 && takeSignal() != SIGCHLD) return;
      if (count == 3 && ready[2].revents != 0) admit();
    }
  }

 private:
  int takeSignal() {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info))
      throwErrno("read signal");
    for (pid_t child = 0; (child = ::waitpid(-1, nullptr, WNOHANG)) > 0;) {
      handlers_.erase(child);
      running_.erase(child);
    }
    return static_cast<int>(info.ssi_signo);
  }

  // One that was reaped before its word was read is in neither set.
  void takeExec() {
    pid_t handler = 0;
    if (::read(execs_.read.get(), &handler, sizeof handler) != static_cast<ssize_t>(sizeof handler))
      throwErrno("read an exec's announcement");
    if (handlers_.erase(handler) == 0) return;
    running_.insert(handler);
    if (running_.size() <= mostExecs) return;
    log::warning("too many execs at once; one is ended");
    (void)::kill(handler, SIGKILL);  // our child, not yet reaped
  }

  void admit() {
    Fd connection = acceptOn(listener_.get());
    if (!connection) {
      // Out of descriptors, most likely: the listener stays readable, so do not spin.
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      return;
    }
    if (auto checked = ipc::checkPeer(connection.get(), permitted_); !checked) {
      log::warning("connection refused", {{"reason", describe(checked.error())}});
      return;
    }
    pid_t child = ::fork();
    if (child < 0) log::error("cannot fork a handler", {{"error", errnoText(errno)}});
    if (child == 0) {
      resetSignals();
      ::_exit(handle(context_, std::move(connection), execs_.write));
    }
    if (child > 0) handlers_.insert(child);
  }

  const Context& context_;
  const Fd& listener_;
  const ipc::PermittedPeer& permitted_;
  Fd signals_;
  std::set<pid_t> handlers_;
  Pipe execs_ = makePipe();
  std::set<pid_t> running_;  // handlers that are execs
};

}  // namespace

void serve(const Context& context, const Fd& listener, const ipc::PermittedPeer& permitted) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throwErrno("become a subreaper");
  Server(context, listener, permitted).run();
}

}  // namespace bulkhead::launcher
