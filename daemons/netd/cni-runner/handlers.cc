#include "daemons/netd/cni-runner/handlers.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "daemons/common/base/error.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"

namespace bulkhead::cni {

void Handlers::handle(ipc::Packet packet, PluginGroup& group, const Places& places) const {
  try {
    (void)::close(control_);  // else netd would not learn that the runner has ended
    resetSignals();
    handleRun(std::move(packet), group, places);
  } catch (const std::exception& error) {
    log::error("plugin run failed", {{"error", error.what()}});
    ::_exit(1);
  }
  ::_exit(0);
}

void Handlers::start(ipc::Packet packet, const Places& places) {
  std::map<pid_t, PluginGroup> fresh;
  PluginGroup& group = fresh[0];
  pid_t pid = ::fork();
  if (pid == 0) handle(std::move(packet), group, places);
  if (pid < 0) return log::error("cannot fork", {{"error", errnoText(errno)}});
  auto entry = fresh.extract(0);
  entry.key() = pid;
  running_.insert(std::move(entry));
}

void Handlers::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    auto ended = running_.find(pid);
    if (ended == running_.end()) continue;
    if (status != 0) {
      log::warning("a plugin's handler died", {{"status", std::to_string(exitStatusOf(status).code)}});
      ended->second.kill();
    }
    running_.erase(ended);
  }
}

}  // namespace bulkhead::cni
