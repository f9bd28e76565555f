#include "daemons/shim/resources/limits.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <limits>
#include <vector>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "ipc/convert.h"

namespace bulkhead::resources {
namespace {

using ipc::toString;

constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

// "max" of v2, and v1's largest number of pages, are no limit.
std::int64_t numberOf(const std::optional<std::string>& text) {
  std::int64_t number = unlimited;
  if (text) (void)std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

// runc's and crun's own conversion (v1 cpu.shares 2 to 262144, v2 cpu.weight 1 to 10000).
std::int64_t weightOf(std::int64_t shares) {
  constexpr std::int64_t least = 2;
  constexpr std::int64_t most = 262144;
  return 1 + (std::clamp(shares, least, most) - least) * 9999 / (most - least);
}

tl::unexpected<Refusal> refusalOf(int error, const std::string& field, const std::string& file) {
  if (error == ENOENT) return refuse(Code::failedPrecondition, field, "this host has no " + file);
  if (error == EINVAL || error == ERANGE || error == EACCES)
    return invalid(field, "the kernel does not take it for " + file + ": " + errnoText(error));
  return refuse(Code::failedPrecondition, field,
                "the kernel refuses it for " + file + ": " + errnoText(error));
}

class Writer {
 public:
  Writer(schema::Resources::Reader asked, schema::Resources::Reader whole, Group& group,
         Transaction& transaction)
      : asked_(asked), whole_(whole), group_(group), transaction_(transaction) {}

  // What can be refused for what the container uses comes first; a raise, which the container may use at
  // once and so keep from being taken back, last.
  Outcome<void> run() {
    std::int64_t limit = asked_.getMemoryLimit();
    bool lowers = limit != 0 && limit < numberOf(readValue(group_.of("memory"), memoryFile()));
    using Part = Outcome<void> (Writer::*)();
    std::vector<Part> parts{&Writer::hugepages, &Writer::pids, &Writer::cpuset, &Writer::cpu,
                            &Writer::unified};
    parts.insert(lowers ? parts.begin() : parts.end(), v2() ? &Writer::memoryV2 : &Writer::memoryV1);
    for (Part part : parts) {
      if (auto done = (this->*part)(); !done) return done;
    }
    return {};
  }

 private:
  [[nodiscard]] bool v2() const { return group_.version() == Version::v2; }
  [[nodiscard]] const char* memoryFile() const { return v2() ? "memory.max" : "memory.limit_in_bytes"; }

  Outcome<void> put(const char* controller, const std::string& file, const std::string& value,
                    const std::string& field) {
    int directory = group_.of(controller);
    int error = directory < 0 ? ENOENT : transaction_.write(directory, file, value);
    if (error == 0) return {};
    return refusalOf(error, "resources." + field, file);
  }
  Outcome<void> put(const char* controller, const std::string& file, std::int64_t value,
                    const std::string& field) {
    return put(controller, file, std::to_string(value), field);
  }

  // Memory and swap together are never less than memory alone: a raise begins with the sum. The kernel
  // reclaims before it refuses a decrease with EBUSY.
  Outcome<void> memoryV1() {
    const char* sumFile = "memory.memsw.limit_in_bytes";
    auto sumNow = readValue(group_.of("memory"), sumFile);
    std::int64_t sum = sumNow ? asked_.getSwapLimit() : 0;  // as at creation: not counted, not limited
    bool sumFirst = sum < 0 || sum >= numberOf(sumNow);
    auto putSum = [&]() { return put("memory", sumFile, sum, "swapLimit"); };
    if (sum != 0 && sumFirst) {
      if (auto done = putSum(); !done) return done;
    }
    if (asked_.getMemoryLimit() != 0) {
      auto done = put("memory", memoryFile(), asked_.getMemoryLimit(), "memoryLimit");
      if (!done) return done;
    }
    return sum != 0 && !sumFirst ? putSum() : Outcome<void>();
  }

  Outcome<void> memoryV2() {
    std::int64_t limit = asked_.getMemoryLimit();
    bool lowers = limit != 0 && limit < numberOf(readValue(group_.of("memory"), memoryFile()));
    if (lowers) {
      if (auto done = shrink(limit); !done) return done;
    } else if (limit != 0) {
      if (auto done = put("memory", memoryFile(), limit, "memoryLimit"); !done) return done;
    }
    // The sum was asked for, or the limit that is part of it changed.
    std::int64_t sum = whole_.getSwapLimit();
    if (sum == 0 || (asked_.getSwapLimit() == 0 && limit == 0)) return {};
    if (sum < 0) return put("memory", "memory.swap.max", "max", "swapLimit");
    if (whole_.getMemoryLimit() == 0) return invalid("resources.swapLimit", "needs a memory limit");
    return put("memory", "memory.swap.max", sum - whole_.getMemoryLimit(), "swapLimit");
  }

  // memory.max would kill until the group fits (cgroup-v2.rst); memory.high reclaims, and slows down who
  // takes more meanwhile.
  Outcome<void> shrink(std::int64_t limit) {
    int directory = group_.of("memory");
    auto high = readValue(directory, "memory.high");
    bool reclaims = high && numberOf(high) > limit;
    if (reclaims) {
      if (auto done = put("memory", "memory.high", limit, "memoryLimit"); !done) return done;
    }
    std::int64_t used = numberOf(readValue(directory, "memory.current"));
    if (used > limit) {
      return refuse(
          Code::failedPrecondition, "resources.memoryLimit",
          "the container uses " + std::to_string(used) + " bytes, of which no more can be reclaimed");
    }
    if (auto done = put("memory", "memory.max", limit, "memoryLimit"); !done) return done;
    return reclaims ? put("memory", "memory.high", *high, "memoryLimit") : Outcome<void>();
  }

  Outcome<void> hugepages() {
    for (auto each : asked_.getHugepageLimits()) {
      std::string name = "hugetlb." + toString(each.getSize());
      for (const char* kind : {"", ".rsvd"}) {
        std::string file = name + kind + (v2() ? ".max" : ".limit_in_bytes");
        bool there = readValue(group_.of("hugetlb"), file).has_value();
        // The kubelet names sizes with a limit of 0; not every kernel counts reservations.
        if (!there && (each.getLimit() == 0 || *kind != '\0')) continue;
        auto done = put("hugetlb", file, std::to_string(each.getLimit()), "hugepageLimits");
        if (!done) return done;
      }
    }
    return {};
  }

  Outcome<void> pids() {
    if (asked_.getPidsLimit() <= 0) return {};
    return put("pids", "pids.max", asked_.getPidsLimit(), "pidsLimit");
  }

  Outcome<void> cpuset() {
    std::string cpus = toString(asked_.getCpusetCpus());
    std::string mems = toString(asked_.getCpusetMems());
    if (!mems.empty()) {
      if (auto done = put("cpuset", "cpuset.mems", mems, "cpusetMems"); !done) return done;
    }
    return cpus.empty() ? Outcome<void>() : put("cpuset", "cpuset.cpus", cpus, "cpusetCpus");
  }

  Outcome<void> cpu() {
    if (std::int64_t shares = asked_.getCpuShares(); shares != 0) {
      auto done = v2() ? put("cpu", "cpu.weight", weightOf(shares), "cpuShares")
                       : put("cpu", "cpu.shares", shares, "cpuShares");
      if (!done) return done;
    }
    if (asked_.getCpuPeriod() == 0 && asked_.getCpuQuota() == 0) return {};
    return v2() ? bandwidthV2() : bandwidthV1();
  }

  // A group may not have a larger share than its parent: the quota is out of the way while the period
  // changes.
  Outcome<void> bandwidthV1() {
    std::int64_t quota = asked_.getCpuQuota();
    if (asked_.getCpuPeriod() != 0) {
      if (quota == 0) quota = numberOf(readValue(group_.of("cpu"), "cpu.cfs_quota_us"));
      if (auto done = put("cpu", "cpu.cfs_quota_us", -1, "cpuQuota"); !done) return done;
      auto done = put("cpu", "cpu.cfs_period_us", asked_.getCpuPeriod(), "cpuPeriod");
      if (!done) return done;
    }
    return put("cpu", "cpu.cfs_quota_us", quota, "cpuQuota");
  }

  // "QUOTA PERIOD"
  Outcome<void> bandwidthV2() {
    std::string now = readValue(group_.of("cpu"), "cpu.max").value_or("max 100000");
    size_t blank = std::min(now.find(' '), now.size());
    std::string quota = now.substr(0, blank);
    std::string period = now.substr(std::min(blank + 1, now.size()));
    std::int64_t asked = asked_.getCpuQuota();
    if (asked != 0) quota = asked < 0 ? "max" : std::to_string(asked);
    if (asked_.getCpuPeriod() != 0) period = std::to_string(asked_.getCpuPeriod());
    return put("cpu", "cpu.max", quota + " " + period, asked != 0 ? "cpuQuota" : "cpuPeriod");
  }

  Outcome<void> unified() {
    for (auto each : asked_.getUnified()) {
      std::string key = toString(each.getKey());
      if (auto done = put("", key, toString(each.getValue()), "unified[" + key + "]"); !done) return done;
    }
    return {};
  }

  schema::Resources::Reader asked_;
  schema::Resources::Reader whole_;
  Group& group_;
  Transaction& transaction_;
};

std::vector<std::string> processesOf(int directory) {
  constexpr size_t most = 1024 * 1024;
  Fd file = tryOpenBeneath(directory, "cgroup.procs", O_RDONLY);
  std::string text = file ? readBounded(file.get(), most).value_or("") : "";
  std::vector<std::string> found;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) found.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return found;
}

}  // namespace

Group::Group(std::string mounts, Version version, std::string path)
    : mounts_(std::move(mounts)), version_(version), path_(std::move(path)) {}

int Group::of(const std::string& controller) {
  std::string name = version_ == Version::v2 ? "" : controller;
  auto found = opened_.find(name);
  if (found == opened_.end()) {
    // Root's own mounts, links such as cpu -> cpu,cpuacct among them.
    Fd hierarchy(::open((mounts_ + "/" + name).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    Fd group;
    if (hierarchy) group = tryOpenBeneath(hierarchy.get(), path_.substr(1), O_RDONLY | O_DIRECTORY);
    found = opened_.emplace(name, std::move(group)).first;
  }
  return found->second.get();
}

Outcome<void> checkHost(schema::Resources::Reader asked, Version version, bool hugetlb) {
  if (version == Version::v1 && asked.getUnified().size() > 0)
    return refuse(Code::failedPrecondition, "resources.unified", "needs cgroup v2, which this host has not");
  for (auto each : asked.getHugepageLimits()) {
    if (each.getLimit() == 0 || hugetlb) continue;
    return refuse(Code::failedPrecondition, "resources.hugepageLimits",
                  "this host does not count huge pages (no hugetlb controller)");
  }
  return {};
}

Outcome<void> writeLimits(schema::Resources::Reader asked, schema::Resources::Reader whole, Group& group,
                          Transaction& transaction) {
  return Writer(asked, whole, group, transaction).run();
}

// Whoever is forked while we are on our way has its parent's score: the old one, or already the new one. So
// again, until nobody is new.
Outcome<void> writeOomScore(std::int64_t score, Group& group, const std::string& processes,
                            Transaction& transaction) {
  constexpr int rounds = 10;
  int directory = group.of("pids");
  if (directory < 0) return refusalOf(ENOENT, "resources.oomScoreAdj", "cgroup.procs");
  std::map<std::string, Fd> seen;
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::string> fresh;
    for (const std::string& pid : processesOf(directory)) {
      if (seen.contains(pid)) continue;
      Fd process(::open((processes + "/" + pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!process && errno != ENOENT) throwErrno("open a process");
      seen[pid] = std::move(process);
      fresh.push_back(pid);
    }
    if (fresh.empty()) return {};
    // A number that is still the group's now was so when its directory was opened: what it names is one of
    // the group's, or gone.
    auto still = processesOf(directory);
    for (const std::string& pid : fresh) {
      if (!seen[pid] || std::find(still.begin(), still.end(), pid) == still.end()) continue;
      int error = transaction.write(seen[pid].get(), "oom_score_adj", std::to_string(score));
      if (error != 0 && error != ENOENT && error != ESRCH)
        return refusalOf(error, "resources.oomScoreAdj", "oom_score_adj");
    }
  }
  return refuse(Code::unavailable, "resources.oomScoreAdj",
                "the container makes processes faster than it is set");
}

void writeOomScore(std::int64_t score, int process) {
  std::string place = "/proc/" + std::to_string(process) + "/oom_score_adj";
  Fd file(::open(place.c_str(), O_WRONLY | O_CLOEXEC));
  if (file) (void)writeAll(file.get(), std::to_string(score));
}

}  // namespace bulkhead::resources
