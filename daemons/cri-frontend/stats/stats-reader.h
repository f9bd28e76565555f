// StatsReader: reads control groups on a thread of its own, so that the loop never waits for the kernel.
#pragma once

#include <kj/async.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemons/cri-frontend/stats/cgroup-tree.h"
#include "daemons/cri-frontend/stats/cpu-rate.h"

namespace bulkhead::cri {

struct GroupStats {
  CgroupReading reading;
  std::optional<uint64_t> cores;  // nanoseconds of processor time a second, lately
};
// By group. Those that could not be read are not there.
using GroupsStats = std::map<std::string, GroupStats>;

class StatsReader {
 public:
  explicit StatsReader(CgroupTree tree = CgroupTree()) : tree_(std::move(tree)) {}
  // Waits for the reading that is under way.
  ~StatsReader();

  // In order of the calls; groups like "/kubepods/…". The thread starts with the first call, after
  // confinement. Dropping the promise neither waits for the reading nor cancels it.
  kj::Promise<GroupsStats> read(std::vector<std::string> groups);

 private:
  using Readings = std::map<std::string, CgroupReading>;
  struct Work {
    std::vector<std::string> groups;
    kj::Own<kj::CrossThreadPromiseFulfiller<Readings>> done;
  };
  void loop();
  GroupsStats withRates(Readings&& readings);

  const CgroupTree tree_;
  CpuRates rates_;  // the loop's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace bulkhead::cri
