#include "daemons/shim/devices/devices.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <memory>

#include "daemons/common/base/beneath.h"
#include "daemons/shim/ceiling/ceiling.h"
#include "daemons/shim/ceiling/host-path.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::devices {
namespace {

using ipc::toString;

// What the kernel calls the opened file.
std::string realPathOf(int fd) {
  std::string path(PATH_MAX, '\0');
  ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  path.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  return path;
}

bool isDevice(const struct stat& info) {
  return S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
}

oci::Device describe(const struct stat& info, std::string path, std::string access) {
  constexpr unsigned permissions = 0777;
  return {std::move(path),       S_ISBLK(info.st_mode),      ::major(info.st_rdev),
          ::minor(info.st_rdev), info.st_mode & permissions, info.st_uid,
          info.st_gid,           std::move(access)};
}

// One entry of the request.
class Expansion {
 public:
  Expansion(capnp::List<schema::DeviceRule>::Reader rules, std::string access, std::string field,
            std::vector<oci::Device>& found)
      : rules_(rules), access_(std::move(access)), field_(std::move(field)), found_(found) {}

  Outcome<void> add(int fd, const std::string& path) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) throwErrno("fstat device");
    std::string real = realPathOf(fd);
    if (isDevice(info)) {
      if (auto allowed = ceiling::judgeDevice(real, access_, rules_, field_); !allowed) return allowed;
      found_.push_back(describe(info, path, access_));
      return {};
    }
    if (!S_ISDIR(info.st_mode)) return refuse(Code::failedPrecondition, field_, "is not a device");
    // Nothing outside is walked through, however large (a request for "/").
    if (!ceiling::isBeneath(real, "/dev")) return refuse(Code::failedPrecondition, field_, "is not in /dev");
    size_t before = found_.size();
    addBeneath(fd, path, 0);
    if (found_.size() > limits::devices) return invalid(field_, "stands for too many devices");
    return found_.size() > before ? Outcome<void>() : ceiling::above(field_, "any device in it");
  }

 private:
  void addBeneath(int directory, const std::string& path, int depth) {
    constexpr int deepest = 4;
    Fd readable = tryOpenBeneath(directory, ".", O_RDONLY | O_DIRECTORY, 0, true);
    std::unique_ptr<DIR, int (*)(DIR*)> entries(readable ? ::fdopendir(readable.get()) : nullptr,
                                                &::closedir);
    if (!entries) return;
    (void)readable.release();
    while (const dirent* entry = ::readdir(entries.get())) {
      if (found_.size() > limits::devices) return;
      // The same mount, no link: not what is mounted on /dev/pts, /dev/shm, /dev/mqueue.
      Fd inside = tryOpenBeneath(directory, entry->d_name, O_PATH | O_NOFOLLOW, 0, true);
      struct stat info {};
      if (entry->d_name[0] == '.' || !inside || ::fstat(inside.get(), &info) != 0) continue;
      std::string below = path + "/" + entry->d_name;
      if (S_ISDIR(info.st_mode) && depth < deepest) addBeneath(inside.get(), below, depth + 1);
      bool allowed =
          isDevice(info) && ceiling::judgeDevice(realPathOf(inside.get()), access_, rules_, field_);
      if (allowed) found_.push_back(describe(info, below, access_));
    }
  }

  capnp::List<schema::DeviceRule>::Reader rules_;
  std::string access_;
  std::string field_;
  std::vector<oci::Device>& found_;
};

}  // namespace

Outcome<std::vector<oci::Device>> open(capnp::List<schema::Device>::Reader asked,
                                       capnp::List<schema::DeviceRule>::Reader rules) {
  std::vector<oci::Device> found;
  Fd root = openDirectory("/");
  for (unsigned i = 0; i < asked.size(); ++i) {
    const std::string field = "devices[" + std::to_string(i) + "].source";
    std::string source = ceiling::parseHostPath(toString(asked[i].getSource()), field).value();
    std::string place = ceiling::parseHostPath(toString(asked[i].getDestination()), field).value();
    // Links are followed (/dev/disk/by-id/…); it is the device that is judged.
    Fd opened = tryOpenInRoot(root.get(), source, O_PATH);
    if (!opened) return refuse(Code::failedPrecondition, field, "cannot be opened: " + errnoText(errno));
    auto added = Expansion(rules, toString(asked[i].getAccess()), field, found).add(opened.get(), place);
    if (!added) return tl::unexpected(added.error());
  }
  return found;
}

}  // namespace bulkhead::devices
