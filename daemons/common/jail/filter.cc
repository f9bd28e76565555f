#include "daemons/common/jail/filter.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead::jail {

void installFilter(std::string_view name) {
  std::span<const sock_filter> steps = filterProgram(name);
  if (steps.empty()) throw std::logic_error("no policy by the name " + std::string(name));
  sock_fprog program{static_cast<unsigned short>(steps.size()), const_cast<sock_filter*>(steps.data())};
  // A process has one thread here (confine() checks), so there is nothing to synchronise.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) throwErrno("seccomp");
}

}  // namespace bulkhead::jail
