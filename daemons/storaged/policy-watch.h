// Whether root's signature policies may have changed: inotify on the directories that they are in, set up
// before confinement. Main itself sees none of these files; it learns that something happened to them.
#pragma once

#include <map>
#include <set>
#include <string>

#include "daemons/common/base/fd.h"

namespace bulkhead::storaged {

class PolicyWatch {
 public:
  // `policy` is a file and `policies` a directory, both absolute; neither has to exist. As root, and before
  // the process changes its view.
  PolicyWatch(const std::string& policy, const std::string& policies);

  // Whether anything may have changed since the last call: the kernel queues an event before the system call
  // that made the change returns. Always true from when one of the directories itself came, went or could not
  // be watched: the watches would be on other ones than the verifier reads then.
  [[nodiscard]] bool changed();

 private:
  void watch(const std::string& directory, const std::string& next);
  void lose(const char* why);

  Fd events_;
  std::map<int, std::set<std::string>> next_;  // by watch: directories in it that are watched, or would be
  bool lost_ = false;
};

}  // namespace bulkhead::storaged
