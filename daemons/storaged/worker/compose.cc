#include "daemons/storaged/worker/compose.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <string>
#include <unordered_map>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/worker/copy.h"
#include "daemons/storaged/worker/erase.h"
#include "daemons/storaged/worker/listing.h"

namespace bulkhead::worker {
namespace {

constexpr int directoryFlags = O_RDONLY | O_DIRECTORY;
constexpr mode_t permissions = 07777;

tl::unexpected<Refusal> failed(const std::string& path, const char* what) {
  int error = errno;
  Code code = error == ENOSPC || error == EDQUOT ? Code::resourceExhausted : Code::internal;
  return refuse(code, "root", std::string("cannot ") + what + " '" + path + "': " + errnoText(error));
}

std::string join(const std::string& directory, const std::string& name) {
  return directory == "." ? name : directory + "/" + name;
}

// "a/b" -> "a", "b"; "a" -> ".", "a".
std::pair<std::string, std::string> split(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == path.npos) return {".", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

bool isWhiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == 0;
}

// One name of a layer, and where it goes.
struct Entry {
  int from;  // its directory in the layer
  int to;    // and in the target
  std::string path;
  std::string name;
  struct stat info;
};

class Composer {
 public:
  explicit Composer(int target) : target_(target) {}

  Outcome<void> removeMarks();
  Outcome<void> apply(int layer);
  // Directories change their times while they fill.
  void finishDirectories();
  [[nodiscard]] Counted counted() const { return counted_; }

 private:
  Outcome<void> applyDirectory(int layer, const std::string& path);
  Outcome<void> applyEntry(const Entry& entry);
  Outcome<void> makeDirectory(const Entry& entry);
  Outcome<void> makeFile(const Entry& entry);
  Outcome<void> makeSymlink(const Entry& entry);
  Outcome<void> makeNode(const Entry& entry);
  Outcome<void> setOwnerAndTime(const Entry& entry, bool hasMode);
  bool linkToEarlier(const Entry& entry);
  Outcome<void> removeMarksIn(const std::string& path);

  int target_;
  std::vector<std::string> waiting_;  // directories, so that no descriptor and no stack grows with the depth
  std::unordered_map<ino_t, std::string> linked_;  // of this layer: where the first name of an inode went
  std::map<std::string, struct timespec> times_;
  Counted counted_;
};

Outcome<void> Composer::removeMarks() {
  waiting_ = {"."};
  while (!waiting_.empty()) {
    std::string path = std::move(waiting_.back());
    waiting_.pop_back();
    if (auto removed = removeMarksIn(path); !removed) return removed;
  }
  return {};
}

Outcome<void> Composer::removeMarksIn(const std::string& path) {
  Fd at = tryOpenBeneath(target_, path, directoryFlags);
  Directory listing = at ? openListing(at.get(), ".") : nullptr;
  struct stat before {};
  if (!listing || ::fstat(at.get(), &before) != 0) return failed(path, "read");
  bool changed = false;
  while (const dirent* entry = ::readdir(listing.get())) {
    if (isDots(entry->d_name)) continue;
    struct stat info {};
    if (::fstatat(at.get(), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) return failed(path, "look into");
    if (S_ISDIR(info.st_mode)) waiting_.push_back(join(path, entry->d_name));
    if (!isWhiteout(info)) continue;
    if (::unlinkat(at.get(), entry->d_name, 0) != 0) return failed(path, "remove a whiteout from");
    changed = true;
  }
  if (!dropOpaqueMark(at.get())) return failed(path, "remove a mark from");
  if (changed) times_[path] = before.st_mtim;
  return {};
}

Outcome<void> Composer::apply(int layer) {
  linked_.clear();
  struct stat root {};
  Fd from = tryOpenBeneath(layer, ".", directoryFlags);
  Fd to = tryOpenBeneath(target_, ".", directoryFlags);
  if (!from || !to || ::fstat(from.get(), &root) != 0 || !copyAttributes(from.get(), to.get(), root))
    return failed("/", "make");
  times_["."] = root.st_mtim;
  waiting_ = {"."};
  while (!waiting_.empty()) {
    std::string path = std::move(waiting_.back());
    waiting_.pop_back();
    if (auto applied = applyDirectory(layer, path); !applied) return applied;
  }
  return {};
}

Outcome<void> Composer::applyDirectory(int layer, const std::string& path) {
  Fd from = tryOpenBeneath(layer, path, directoryFlags);
  Fd to = tryOpenBeneath(target_, path, directoryFlags);
  Directory listing = from ? openListing(from.get(), ".") : nullptr;
  if (!listing || !to) return failed(path, "open");
  while (const dirent* found = ::readdir(listing.get())) {
    if (isDots(found->d_name)) continue;
    Entry entry{from.get(), to.get(), join(path, found->d_name), found->d_name, {}};
    if (::fstatat(from.get(), found->d_name, &entry.info, AT_SYMLINK_NOFOLLOW) != 0)
      return failed(entry.path, "look at");
    if (auto applied = applyEntry(entry); !applied) return applied;
  }
  return {};
}

Outcome<void> Composer::applyEntry(const Entry& entry) {
  if (S_ISDIR(entry.info.st_mode)) return makeDirectory(entry);
  if (auto erased = eraseEntry(entry.to, entry.name); !erased || isWhiteout(entry.info)) return erased;
  if (entry.info.st_nlink > 1 && linkToEarlier(entry)) return {};
  ++counted_.inodes;
  if (S_ISREG(entry.info.st_mode)) return makeFile(entry);
  return S_ISLNK(entry.info.st_mode) ? makeSymlink(entry) : makeNode(entry);
}

Outcome<void> Composer::makeDirectory(const Entry& entry) {
  const char* name = entry.name.c_str();
  constexpr int flags = directoryFlags | O_NOFOLLOW | O_CLOEXEC;
  Fd from(::openat(entry.from, name, flags));
  if (!from) return failed(entry.path, "open");
  struct stat before {};
  bool there = ::fstatat(entry.to, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
  if (there && (!S_ISDIR(before.st_mode) || hasOpaqueMark(from.get()))) {
    if (auto erased = eraseEntry(entry.to, entry.name); !erased) return erased;
    there = false;
  }
  if (!there) {
    if (::mkdirat(entry.to, name, 0700) != 0) return failed(entry.path, "make");
    ++counted_.inodes;
  }
  Fd to(::openat(entry.to, name, flags));
  if (!to || !copyAttributes(from.get(), to.get(), entry.info)) return failed(entry.path, "make");
  times_[entry.path] = entry.info.st_mtim;
  waiting_.push_back(entry.path);
  return {};
}

// A file's further names are links to where its first one went. Too many links, and it is copied again.
bool Composer::linkToEarlier(const Entry& entry) {
  auto [first, isFirst] = linked_.try_emplace(entry.info.st_ino, entry.path);
  if (isFirst) return false;
  auto [directory, name] = split(first->second);
  Fd at = tryOpenBeneath(target_, directory, O_PATH | O_DIRECTORY);
  return at && ::linkat(at.get(), name.c_str(), entry.to, entry.name.c_str(), 0) == 0;
}

Outcome<void> Composer::makeFile(const Entry& entry) {
  const char* name = entry.name.c_str();
  Fd from(::openat(entry.from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!from) return failed(entry.path, "open");
  Fd to(::openat(entry.to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to) return failed(entry.path, "make");
  auto copied = copyContent(from.get(), to.get(), static_cast<std::uint64_t>(entry.info.st_size));
  if (!copied) return failed(entry.path, "copy");
  counted_.bytes += *copied;
  const std::array<struct timespec, 2> times{{{0, UTIME_OMIT}, entry.info.st_mtim}};
  if (!copyAttributes(from.get(), to.get(), entry.info) || ::futimens(to.get(), times.data()) != 0)
    return failed(entry.path, "make");
  return {};
}

Outcome<void> Composer::makeSymlink(const Entry& entry) {
  std::array<char, PATH_MAX> text{};
  ssize_t length = ::readlinkat(entry.from, entry.name.c_str(), text.data(), text.size());
  if (length < 0) return failed(entry.path, "read");
  std::string content(text.data(), static_cast<size_t>(length));
  if (::symlinkat(content.c_str(), entry.to, entry.name.c_str()) != 0) return failed(entry.path, "make");
  return setOwnerAndTime(entry, false);
}

Outcome<void> Composer::makeNode(const Entry& entry) {
  mode_t type = entry.info.st_mode & S_IFMT;
  if (::mknodat(entry.to, entry.name.c_str(), type | 0600, entry.info.st_rdev) != 0)
    return failed(entry.path, "make");
  return setOwnerAndTime(entry, true);
}

Outcome<void> Composer::setOwnerAndTime(const Entry& entry, bool hasMode) {
  const char* name = entry.name.c_str();
  const std::array<struct timespec, 2> times{{{0, UTIME_OMIT}, entry.info.st_mtim}};
  // Made by us a moment ago in a tree that nobody else can reach: not a symlink, whatever the flag does.
  bool good = ::fchownat(entry.to, name, entry.info.st_uid, entry.info.st_gid, AT_SYMLINK_NOFOLLOW) == 0 &&
              (!hasMode || ::fchmodat(entry.to, name, entry.info.st_mode & permissions, 0) == 0) &&
              ::utimensat(entry.to, name, times.data(), AT_SYMLINK_NOFOLLOW) == 0;
  return good ? Outcome<void>() : failed(entry.path, "make");
}

void Composer::finishDirectories() {
  for (const auto& [path, modified] : times_) {
    const std::array<struct timespec, 2> times{{{0, UTIME_OMIT}, modified}};
    // A later layer may have removed it, or put something else there.
    if (Fd directory = tryOpenBeneath(target_, path, directoryFlags)) {
      (void)::futimens(directory.get(), times.data());
    }
  }
}

}  // namespace

Outcome<Counted> compose(int target, bool isLayer, const std::vector<Fd>& layers) {
  Composer composer(target);
  if (isLayer) {
    if (auto removed = composer.removeMarks(); !removed) return tl::unexpected(removed.error());
  }
  for (const Fd& layer : layers) {
    if (auto applied = composer.apply(layer.get()); !applied) return tl::unexpected(applied.error());
  }
  composer.finishDirectories();
  return composer.counted();
}

}  // namespace bulkhead::worker
