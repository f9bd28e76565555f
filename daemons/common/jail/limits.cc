#include "daemons/common/jail/limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "daemons/common/base/error.h"
#include "daemons/common/jail/build.h"

namespace bulkhead::jail {
namespace {

struct Limit {
  __rlimit_resource resource;
  rlim_t value;
  bool set;
};

std::array<Limit, 5> listOf(const Limits& limits, bool passesOn) {
  bool limited = !passesOn;
  return {{
      {RLIMIT_CORE, 0, limited},
      {RLIMIT_NOFILE, limits.openFiles, limited && limits.openFiles != 0},
      {RLIMIT_AS, limits.addressSpace, limited && limits.addressSpace != 0 && !sanitizedBuild},
      {RLIMIT_FSIZE, limits.fileSize, limited && limits.fileSize != 0},
      {RLIMIT_CPU, limits.cpuSeconds, limited && limits.cpuSeconds != 0},
  }};
}

}  // namespace

void setLimits(const Limits& limits, bool passesOn) {
  for (const Limit& limit : listOf(limits, passesOn)) {
    if (!limit.set) continue;
    struct rlimit now {};
    if (::getrlimit(limit.resource, &now) != 0) throwErrno("getrlimit");
    rlim_t value = std::min(limit.value, now.rlim_max);
    struct rlimit next {
      value, value
    };
    if (::setrlimit(limit.resource, &next) != 0) throwErrno("setrlimit");
  }
}

void verifyLimits(const Limits& limits, bool passesOn) {
  for (const Limit& limit : listOf(limits, passesOn)) {
    if (!limit.set) continue;
    struct rlimit now {};
    if (::getrlimit(limit.resource, &now) != 0) throwErrno("getrlimit");
    if (now.rlim_max > limit.value) throw std::runtime_error("a resource limit is not as set");
  }
}

}  // namespace bulkhead::jail
