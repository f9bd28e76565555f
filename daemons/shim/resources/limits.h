// A container's limits as files of its control group.
#pragma once

#include <map>
#include <string>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/shim/resources/transaction.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::resources {

enum class Version { v1, v2 };

// One control group: a directory in the one hierarchy, or in each controller's.
class Group {
 public:
  // `mounts` is /sys/fs/cgroup, `path` the group's in cgroupfs notation: "/kubepods/…".
  Group(std::string mounts, Version version, std::string path);

  [[nodiscard]] Version version() const { return version_; }
  // The directory that has this controller's files; -1 if there is none.
  int of(const std::string& controller);

 private:
  std::string mounts_;
  Version version_;
  std::string path_;
  std::map<std::string, Fd> opened_;  // by controller
};

// What this host cannot do at all, whatever the group: `unified` on cgroup v1, a limit on huge pages without
// their controller.
Outcome<void> checkHost(schema::Resources::Reader asked, Version version, bool hugetlb);

// Writes what `asked` sets; `whole` is that over what the container had. Refusals name the field as in
// ContainerSpec. A memory limit below what is in use is refused after the kernel has tried to reclaim the
// difference; nothing is killed for it.
Outcome<void> writeLimits(schema::Resources::Reader asked, schema::Resources::Reader whole, Group& group,
                          Transaction& transaction);

// The score of every process in the group; one that ends meanwhile needs none. `processes` is /proc.
Outcome<void> writeOomScore(std::int64_t score, Group& group, const std::string& processes,
                            Transaction& transaction);
// Of one process that cannot end meanwhile unnoticed: a child of the caller. Best effort.
void writeOomScore(std::int64_t score, int process);

}  // namespace bulkhead::resources
