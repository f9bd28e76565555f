#include "daemons/common/jail/confine.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "daemons/common/base/error.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/build.h"
#include "daemons/common/jail/capabilities.h"
#include "daemons/common/jail/filter.h"
#include "daemons/common/jail/landlock.h"
#include "daemons/common/jail/limits.h"

namespace bulkhead::jail {
namespace {

bool holds(CapabilitySet set, int capability) {
  return (set >> capability & 1) != 0;
}

void requireOneThread() {
  if (sanitizedBuild) return;  // TSan has a thread of its own
  // unshare(2): "CLONE_THREAD … EINVAL … if the caller is multithreaded"; otherwise it does nothing. Unlike
  // /proc/self/task it works where there is no /proc.
  if (::unshare(CLONE_THREAD) != 0)
    throw std::logic_error("confine() is called before the first thread starts");
}

// Says it once, not per worker.
bool livesLong(Process process) {
  using enum Process;
  return process == cri || process == imaged || process == storaged || process == netd;
}

// Confines this process to one row. The methods are the walls, in the order of confine.h.
class Confiner {
 public:
  Confiner(const Privileges& row, const Confinement& wanted)
      : row_(row),
        wanted_(wanted),
        startBounding_(boundingCapabilities()),
        startPermitted_(permittedCapabilities()),
        parent_(::getppid()) {
    if (::prctl(PR_GET_PDEATHSIG, &parentDeathSignal_) != 0) throwErrno("PR_GET_PDEATHSIG");
    if (wanted.capabilities && row.process != Process::cniRunner) {
      throw std::logic_error("only the CNI runner's capabilities come from the configuration");
    }
    CapabilitySet stated = wanted.capabilities.value_or(row.capabilities);
    CapabilitySet statedBounding = wanted.capabilities.value_or(row.bounding);
    capabilities_ = stated & startBounding_;
    bounding_ = statedBounding & startBounding_;
    if ((capabilities_ & ~startPermitted_) != 0) {
      throw std::runtime_error("started without the capabilities that " + std::string(row.name) + " needs");
    }
  }

  void nameProcess() const {
    if (::prctl(PR_SET_NAME, std::string(row_.name).c_str()) != 0) throwErrno("PR_SET_NAME");
  }

  void keepDescriptors() const {
    if (!wanted_.keep.empty()) closeAllBut(wanted_.keep);
  }

  void leaveNetwork() const {
    bool leaves = row_.network != Network::outbound && row_.network != Network::host;
    if (!leaves || bornWithoutNetwork(row_.process) || !holds(startPermitted_, CAP_SYS_ADMIN)) return;
    if (::unshare(CLONE_NEWNET) != 0) throwErrno("unshare network namespace");
  }

  void limitFuture() {
    boundingIsSet_ = holds(startPermitted_, CAP_SETPCAP);
    if (boundingIsSet_) {
      limitBounding(bounding_);
      if (!row_.mayExecute) lockSecurebits();
    } else if (boundingCapabilities() != bounding_ && !row_.noNewPrivileges) {
      throw std::runtime_error("cannot limit the bounding set without CAP_SETPCAP");
    }
  }

  void changeUser() const {
    // setgroups(2) needs a capability; without it, having no other group already is as good.
    if (::setgroups(0, nullptr) != 0 && errno != EPERM) throwErrno("setgroups");
    if (::setresgid(wanted_.gid, wanted_.gid, wanted_.gid) != 0) throwErrno("setresgid");
    if (::setresuid(wanted_.uid, wanted_.uid, wanted_.uid) != 0) throwErrno("setresuid");
  }

  void dropCapabilities() const { setCapabilities(capabilities_); }

  // The change of uid took it away (prctl(2)), and the parent may have died since.
  void dieWithParent() const {
    if (parentDeathSignal_ == 0) return;
    if (::prctl(PR_SET_PDEATHSIG, parentDeathSignal_) != 0) throwErrno("PR_SET_PDEATHSIG");
    if (::getppid() != parent_) throw std::runtime_error("the parent is gone");
  }

  void forbidGains() const {
    // Changing the uid made us dumpable as the kernel's default says (fs.suid_dumpable): set it again.
    if (!sanitizedBuild && ::prctl(PR_SET_DUMPABLE, 0) != 0) throwErrno("PR_SET_DUMPABLE");
    if (row_.noNewPrivileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
      throwErrno("PR_SET_NO_NEW_PRIVS");
  }

  void limitPaths() const {
    // Under Landlock mount(2) is EPERM, and every program executed from here would inherit it.
    bool applies =
        !row_.passesOn && row_.network != Network::host && !holds(row_.capabilities, CAP_SYS_ADMIN);
    if (applies && !restrictPaths(wanted_.paths, row_.network) && livesLong(row_.process)) {
      log::warning("this kernel has no Landlock: only file permissions limit what I can open");
    }
  }

  // With system calls, not /proc: a worker or a shim has none.
  void verify() const {
    verifyUser();
    verifyCapabilities(capabilities_);
    if (boundingIsSet_ && boundingCapabilities() != bounding_) fail("bounding set");
    if (row_.noNewPrivileges != (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)) fail("no_new_privs");
    if (!sanitizedBuild && ::prctl(PR_GET_DUMPABLE) != 0) fail("dumpable flag");
    int deathSignal = 0;
    if (::prctl(PR_GET_PDEATHSIG, &deathSignal) != 0 || deathSignal != parentDeathSignal_) fail("PDEATHSIG");
    if (row_.passesOn && ::prctl(PR_GET_SECCOMP) != 0) fail("absence of a seccomp filter");
    verifyLimits(row_.limits, row_.passesOn);
  }

  void filter() const {
    if (row_.filtered) installFilter(row_.name);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw std::runtime_error(std::string(row_.name) + ": " + std::string(what) + " not as stated");
  }

  void verifyUser() const {
    uid_t uids[3];
    gid_t gids[3];
    if (::getresuid(&uids[0], &uids[1], &uids[2]) != 0 || ::getresgid(&gids[0], &gids[1], &gids[2]) != 0) {
      throwErrno("getresuid");
    }
    for (uid_t uid : uids) {
      if (uid != wanted_.uid) fail("uid");
    }
    for (gid_t gid : gids) {
      if (gid != wanted_.gid) fail("gid");
    }
    gid_t group = 0;
    int count = ::getgroups(0, nullptr);
    bool onlyOwn = count == 0 || (count == 1 && ::getgroups(1, &group) == 1 && group == wanted_.gid);
    if (!onlyOwn) fail("supplementary groups");
  }

  const Privileges& row_;
  const Confinement& wanted_;
  CapabilitySet startBounding_;
  CapabilitySet startPermitted_;
  pid_t parent_;
  int parentDeathSignal_ = 0;
  CapabilitySet capabilities_ = 0;
  CapabilitySet bounding_ = 0;
  bool boundingIsSet_ = false;
};

}  // namespace

void confine(Process process, const Confinement& confinement) {
  const Privileges& row = privilegesOf(process);
  bool isRoot = confinement.uid == 0;
  if (isRoot != (row.identity == Identity::root))
    throw std::logic_error("uid does not fit the process's identity");
  requireOneThread();
  Confiner confiner(row, confinement);
  confiner.nameProcess();
  confiner.keepDescriptors();
  setLimits(row.limits, row.passesOn);
  confiner.leaveNetwork();
  confiner.limitFuture();
  confiner.changeUser();
  confiner.dropCapabilities();
  confiner.dieWithParent();
  confiner.forbidGains();
  confiner.limitPaths();
  confiner.verify();
  confiner.filter();
}

}  // namespace bulkhead::jail

#ifdef BULKHEAD_SANITIZED
// Asked by LeakSanitizer at exit: its check needs /proc and ptrace, which a confined process does not have,
// and it would turn a good exit status into a bad one.
extern "C" int __lsan_is_turned_off() {
  return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 1 : 0;
}
#endif
