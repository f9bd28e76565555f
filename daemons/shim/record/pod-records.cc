#include "daemons/shim/record/pod-records.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "ipc/limits.h"

namespace bulkhead::record {
namespace {

constexpr unsigned directoryMode = 0700;
constexpr unsigned recordMode = 0600;
// For a request on the same object that is stuck (a dead file server's volume): others must not pile up
// behind it.
constexpr std::chrono::seconds patience{30};
constexpr const char* indexName = "by-container";

bool isStill(int parent, const std::string& name, int fd) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::fstatat(parent, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

Fd lockDirectory(int parent, const std::string& name, Lock lock, Absent absent) {
  while (true) {
    if (absent == Absent::make && ::mkdirat(parent, name.c_str(), directoryMode) != 0 && errno != EEXIST) {
      throwErrno("mkdir " + name);
    }
    Fd directory = tryOpenBeneath(parent, name, O_RDONLY | O_DIRECTORY);
    if (!directory && errno == ENOENT) {
      if (absent == Absent::make) continue;
      return {};
    }
    if (!directory) throwErrno("open " + name);
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (::flock(directory.get(), (lock == Lock::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
      if (errno != EINTR && errno != EWOULDBLOCK) throwErrno("flock " + name);
      if (std::chrono::steady_clock::now() > deadline) throw Busy();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    // Whoever held it before may have removed it.
    if (isStill(parent, name, directory.get())) return directory;
  }
}

template <typename Id>
std::vector<Id> listIds(int directory) {
  Fd fresh = openBeneath(directory, ".", O_RDONLY | O_DIRECTORY);  // readdir's position is the descriptor's
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fresh.get()), &::closedir);
  if (!entries) throwErrno("fdopendir");
  (void)fresh.release();
  std::vector<Id> ids;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (auto id = Id::parse(entry->d_name, "")) ids.push_back(*id);
  }
  return ids;
}

}  // namespace

Fd lockPod(const Pods& pods, const PodId& id, Lock lock, Absent absent) {
  return lockDirectory(pods.directory.get(), id.text(), lock, absent);
}

Fd lockContainer(int podDirectory, const ContainerId& id, Lock lock, Absent absent) {
  Fd containers = makeDirectory(podDirectory, "containers", directoryMode);
  return lockDirectory(containers.get(), id.text(), lock, absent);
}

Fd lockAll(const Pods& pods) {
  return lockDirectory(pods.directory.get(), "all", Lock::exclusive, Absent::make);
}

void writeFile(int directory, const std::string& name, std::string_view bytes, unsigned mode) {
  std::string temporary = "." + name + ".new";
  Fd fd(::openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
  // No fsync: a reboot empties /run.
  if (!fd || !writeAll(fd.get(), bytes)) throwErrno("write " + name);
  if (::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) throwErrno("rename " + name);
}

void writeRecord(int directory, const std::string& name, capnp::MessageBuilder& message) {
  auto words = capnp::messageToFlatArray(message);
  std::uint64_t count = words.size();
  std::string bytes(reinterpret_cast<const char*>(&count), sizeof count);
  bytes.append(reinterpret_cast<const char*>(words.begin()), words.asBytes().size());
  writeFile(directory, name, bytes, recordMode);
}

std::optional<ipc::Packet> readRecord(int directory, const std::string& name) {
  Fd fd = tryOpenBeneath(directory, name, O_RDONLY);
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) throwErrno("open " + name);
  return ipc::readMessage(fd.get(), limits::packetBody);
}

std::optional<PodId> podOf(const Pods& pods, const ContainerId& id) {
  Fd fd = tryOpenBeneath(pods.directory.get(), std::string(indexName) + "/" + id.text(), O_RDONLY);
  if (!fd) return std::nullopt;
  auto pod = PodId::parse(readBounded(fd.get(), 64).value_or(""), "podId");
  return pod ? std::optional(*pod) : std::nullopt;
}

bool indexContainer(const Pods& pods, const ContainerId& id, const PodId& pod) {
  Fd all = lockAll(pods);
  auto other = podOf(pods, id);
  bool taken = other && *other != pod &&
               tryOpenBeneath(pods.directory.get(), other->text() + "/containers/" + id.text(), O_PATH);
  if (taken) return false;
  writeFile(makeDirectory(pods.directory.get(), indexName, directoryMode).get(), id.text(), pod.text(),
            recordMode);
  return true;
}

void unindexContainer(const Pods& pods, const ContainerId& id) {
  Fd index = makeDirectory(pods.directory.get(), indexName, directoryMode);
  (void)::unlinkat(index.get(), id.text().c_str(), 0);
}

std::vector<PodId> listPods(const Pods& pods) {
  return listIds<PodId>(pods.directory.get());
}

std::vector<ContainerId> listContainers(int podDirectory) {
  Fd containers = tryOpenBeneath(podDirectory, "containers", O_RDONLY | O_DIRECTORY);
  return containers ? listIds<ContainerId>(containers.get()) : std::vector<ContainerId>{};
}

std::string podPath(const Pods& pods, const PodId& id) {
  return pods.path + "/" + id.text();
}

}  // namespace bulkhead::record
