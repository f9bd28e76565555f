#include "daemons/netd/cni-runner/plugin-group.h"

#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <new>

#include "daemons/common/base/error.h"

namespace bulkhead::cni {

static_assert(std::atomic<pid_t>::is_always_lock_free, "it is shared between processes");

PluginGroup::PluginGroup() {
  void* page = ::mmap(nullptr, sizeof *leader_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throwErrno("mmap");
  leader_ = new (page) std::atomic<pid_t>(0);
}

PluginGroup::~PluginGroup() {
  (void)::munmap(leader_, sizeof *leader_);
}

bool PluginGroup::enter() {
  if (::setpgid(0, 0) != 0) return false;
  leader_->store(::getpid());
  return true;
}

void PluginGroup::kill() const {
  if (pid_t leader = leader_->load(); leader > 0) (void)::kill(-leader, SIGKILL);
}

}  // namespace bulkhead::cni
