#include "daemons/imaged/fetch-zygote.h"

#include <curl/curl.h>
#include <nss.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <optional>
#include <stdexcept>
#include <vector>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/error.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/priority.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/confine.h"
#include "ipc/packet.h"
#include "ipc/schema/fetch.capnp.h"

namespace bulkhead::imaged {
namespace {

using namespace std::chrono_literals;

constexpr auto confineTimeout = 10s;

// Done once, before the walls: what every fetcher then has from its first instruction.
void prepareLibraries() {
  if (curl_global_init(CURL_GLOBAL_ALL) != 0) throw std::runtime_error("libcurl does not start");
  // Names come from /etc/hosts and DNS only. Other NSS modules would be loaded into the fetcher and talk to
  // daemons over AF_UNIX; files and dns are part of libc, and this turns nscd off as well.
  if (__nss_configure_lookup("hosts", "files dns") != 0)
    throw std::runtime_error("cannot configure the resolver");
}

class Zygote {
 public:
  Zygote(int control, int children, const fetcher::Settings& fetchers, const planner::Settings& planners)
      : control_(control), children_(children), fetcherSettings_(fetchers), plannerSettings_(planners) {}

  // Until main is gone.
  void serve() {
    bool mainLives = true;
    while (mainLives) {
      std::vector<pollfd> watched{{control_, POLLIN, 0}, {children_, POLLIN, 0}};
      for (const auto& [pid, leash] : living_) watched.push_back({leash.get(), 0, 0});
      if (::poll(watched.data(), watched.size(), -1) < 0) {
        if (errno != EINTR) throwErrno("poll");
        continue;
      }
      killUnleashed(watched);
      if (watched[1].revents != 0) reap();
      if (watched[0].revents != 0) mainLives = spawn();
    }
    for (const auto& [pid, leash] : living_) (void)::kill(pid, SIGKILL);
  }

 private:
  // `watched` still says of whom each descriptor behind the first two is.
  void killUnleashed(const std::vector<pollfd>& watched) {
    size_t at = 2;
    for (auto& [pid, leash] : living_) {
      if (watched[at++].revents == 0) continue;
      (void)::kill(pid, SIGKILL);  // not reaped yet: the number is still his
      leash.reset();               // poll(2) passes over -1
    }
  }

  void reap() {
    struct signalfd_siginfo ignored {};
    while (::read(children_, &ignored, sizeof ignored) > 0) {
    }
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      auto found = living_.find(pid);
      bool wanted = found != living_.end() && found->second;
      if (found != living_.end()) living_.erase(found);
      ExitStatus ended = exitStatusOf(status);
      if (ended.code == 0 || !wanted) continue;
      log::warning("fetcher or planner died",
                   {{"pid", std::to_string(pid)}, {"status", std::to_string(ended.code)}});
    }
  }

  bool spawn() {
    auto packet = ipc::receivePacket(control_);
    if (!packet) return false;
    auto kind = packet->as<schema::Spawn>().getKind();
    Fd socket = packet->takeFd(0);
    Fd leash = packet->takeFd(1);
    if (!socket || !leash) throw std::runtime_error("main sent a Spawn without its descriptors");
    pid_t pid = ::fork();
    if (pid == 0) {
      (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
      resetSignals();
      if (kind == schema::Spawn::Kind::PLANNER) planner::runPlanner(std::move(socket), plannerSettings_);
      fetcher::runFetcher(std::move(socket), fetcherSettings_);
    }
    // Main sees its socket close and refuses the operation.
    if (pid < 0) log::warning("cannot fork a fetcher or planner", {{"error", errnoText(errno)}});
    if (pid > 0) living_.emplace(pid, std::move(leash));
    return true;
  }

  int control_;
  int children_;
  const fetcher::Settings& fetcherSettings_;
  const planner::Settings& plannerSettings_;
  std::map<pid_t, Fd> living_;  // each with its leash, until that was cut
};

[[noreturn]] void runZygote(Fd control, const fetcher::Settings& fetchers,
                            const planner::Settings& planners) {
  log::setComponent("fetch-zygote");
  try {
    prepareLibraries();
    shareByItself();
    workBehindOthers();
    Fd children = watchChildren();
    // Landlock is the fetcher's, raised anew in each: a rule holds an inode, and resolv.conf is replaced by
    // rename.
    jail::confine(
        jail::Process::fetchZygote,
        {fetchers.uid, fetchers.gid, {{"/", jail::Access::Right::read}}, {control.get(), children.get()}});
    capnp::MallocMessageBuilder ready;
    (void)ready.initRoot<schema::Spawn>();
    if (!ipc::sendPacket(control.get(), ready)) throwErrno("tell main that the zygote is ready");
    Zygote(control.get(), children.get(), fetchers, planners).serve();
    ::_exit(0);
  } catch (const kj::Exception& broken) {
    log::error("fetch zygote failed", {{"error", broken.getDescription().cStr()}});
  } catch (const std::exception& broken) {
    log::error("fetch zygote failed", {{"error", broken.what()}});
  }
  ::_exit(1);
}

}  // namespace

Fd startFetchZygote(const fetcher::Settings& fetchers, const planner::Settings& planners) {
  SocketPair control = makeSocketPair(SOCK_SEQPACKET);
  pid_t pid = ::fork();
  if (pid < 0) throwErrno("fork");
  if (pid == 0) {
    control.first.reset();
    runZygote(std::move(control.second), fetchers, planners);
  }
  control.second.reset();
  if (!ipc::receivePacket(control.first.get(), confineTimeout)) {
    throw std::runtime_error("the fetch zygote did not start");
  }
  return std::move(control.first);
}

}  // namespace bulkhead::imaged
