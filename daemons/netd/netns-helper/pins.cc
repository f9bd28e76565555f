#include "daemons/netd/netns-helper/pins.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/netd/netns-helper/new-namespace.h"

namespace bulkhead::netns {
namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const { (void)::closedir(stream); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

tl::unexpected<Refusal> failed(const char* what, int number) {
  log::error("network namespace", {{"step", what}, {"error", errnoText(number)}});
  return refuse(Code::internal, "", std::string("could not ") + what + ": " + errnoText(number));
}

// Forks: a namespace is entered by the whole process, and this one must not keep a pod's alive.
int pinInChild(int file) {
  pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) ::_exit(pinNewNamespace(file));
  return waitFor(child, std::nullopt)->code;
}

}  // namespace

Pins::Pins(const std::string& directory) : directory_(openDirectory(directory)) {
  if (::fchdir(directory_.get()) != 0) throwErrno("enter the directory of pins");
}

bool Pins::isPinned(const PodId& pod) const {
  Fd file = tryOpenBeneath(directory_.get(), pod.text(), O_PATH);
  struct statfs info {};
  return file && ::fstatfs(file.get(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

Fd Pins::open(const PodId& pod) const {
  return isPinned(pod) ? tryOpenBeneath(directory_.get(), pod.text(), O_RDONLY) : Fd();
}

void Pins::removeFile(const PodId& pod) {
  if (::unlinkat(directory_.get(), pod.text().c_str(), 0) != 0 && errno != ENOENT) throwErrno("unlink a pin");
}

Outcome<void> Pins::make(const PodId& pod) {
  if (isPinned(pod)) return {};
  removeFile(pod);
  Fd file = tryOpenBeneath(directory_.get(), pod.text(), O_RDONLY | O_CREAT | O_EXCL, 0444);
  if (!file) return failed("create a pin", errno);
  if (int number = pinInChild(file.get()); number != 0) {
    removeFile(pod);
    return failed("make a network namespace", number);
  }
  return {};
}

Outcome<void> Pins::remove(const PodId& pod) {
  // More than one only if somebody mounted over ours; each round takes the topmost.
  while (isPinned(pod)) {
    if (::umount2(pod.text().c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
      return failed("unmount a pin", errno);
  }
  removeFile(pod);
  return {};
}

std::vector<PodId> Pins::list() {
  Fd again =
      openBeneath(directory_.get(), ".", O_RDONLY | O_DIRECTORY);  // a stream of its own, from the start
  Directory stream(::fdopendir(again.get()));
  if (!stream) throwErrno("read the directory of pins");
  (void)again.release();
  std::vector<PodId> pods;
  while (const dirent* entry = ::readdir(stream.get())) {
    auto pod = PodId::parse(entry->d_name, "pin");
    if (!pod) continue;
    if (isPinned(*pod)) {
      pods.push_back(*pod);
    } else {
      removeFile(*pod);
    }
  }
  return pods;
}

}  // namespace bulkhead::netns
