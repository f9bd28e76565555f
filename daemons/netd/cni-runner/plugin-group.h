// The process group of one plugin run, known to three processes: the plugin enters it, the handler kills it
// at the deadline, and the runner kills it when the handler itself was killed and its lock with it.
#pragma once

#include <sys/types.h>

#include <atomic>

namespace bulkhead::cni {

class PluginGroup {
 public:
  // Made before the fork of those who share it. Throws SystemError.
  PluginGroup();
  ~PluginGroup();
  PluginGroup(const PluginGroup&) = delete;
  PluginGroup& operator=(const PluginGroup&) = delete;

  // In the plugin's process, before a stranger's first instruction. False with errno.
  [[nodiscard]] bool enter();
  // SIGKILL to whoever is in it.
  void kill() const;

 private:
  std::atomic<pid_t>* leader_;  // in memory shared across fork(2); 0: nobody entered
};

}  // namespace bulkhead::cni
