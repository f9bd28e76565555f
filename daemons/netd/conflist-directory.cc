#include "daemons/netd/conflist-directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"

namespace bulkhead::netd {
namespace {

// Real ones are a few KiB.
constexpr size_t largestFile = 1024 * 1024;
constexpr size_t mostFiles = 256;

struct CloseDirectory {
  void operator()(DIR* stream) const { (void)::closedir(stream); }
};

bool isConfiguration(std::string_view name) {
  return !name.starts_with('.') &&
         (name.ends_with(".conflist") || name.ends_with(".conf") || name.ends_with(".json"));
}

// Who may write it chooses what plugins do as root. Ours counts as root's: in tests.
bool othersWrite(const struct stat& info) {
  bool trusted = info.st_uid == 0 || info.st_uid == ::geteuid();
  return !trusted || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

tl::unexpected<Refusal> noConfiguration(const std::string& path, const std::string& why) {
  return refuse(Code::failedPrecondition, "", "no valid CNI configuration in " + path + ": " + why);
}

// Symlinks are followed: root's directory, and tools link their files into it.
Outcome<Conflist> readConflist(const std::string& path, const std::string& name) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return invalid(name, "cannot be opened: " + errnoText(errno));
  if (!S_ISREG(info.st_mode)) return invalid(name, "is not a regular file");
  if (othersWrite(info)) return invalid(name, "can be written by others than root");
  auto text = readBounded(file.get(), largestFile);
  if (!text) return invalid(name, "is larger than 1 MiB");
  return parseConflist(*text, name);
}

}  // namespace

ConflistDirectory::ConflistDirectory(std::string path, std::string defaultNetwork)
    : path_(std::move(path)),
      defaultNetwork_(std::move(defaultNetwork)),
      current_(noConfiguration(path_, "it has no file")) {}

const Outcome<Conflist>& ConflistDirectory::current() {
  auto entries = look();
  if (!entries) {
    seen_.clear();
    current_ = tl::unexpected(entries.error());
  } else if (*entries != seen_ || seen_.empty()) {
    seen_ = std::move(*entries);
    ++generation_;
    current_ = choose(seen_);
  }
  return current_;
}

Outcome<std::vector<ConflistDirectory::Entry>> ConflistDirectory::look() const {
  std::unique_ptr<DIR, CloseDirectory> stream(::opendir(path_.c_str()));
  if (!stream) return noConfiguration(path_, errnoText(errno));
  struct stat directory {};
  if (::fstat(::dirfd(stream.get()), &directory) != 0) throwErrno("fstat a CNI directory");
  if (othersWrite(directory)) return noConfiguration(path_, "others than root may write this directory");
  std::vector<Entry> entries;
  while (const dirent* found = ::readdir(stream.get())) {
    struct stat info {};
    if (!isConfiguration(found->d_name) || ::fstatat(::dirfd(stream.get()), found->d_name, &info, 0) != 0)
      continue;
    if (entries.size() == mostFiles) return noConfiguration(path_, "there are too many files");
    entries.push_back({found->d_name, info.st_ino, info.st_size,
                       info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Outcome<Conflist> ConflistDirectory::choose(const std::vector<Entry>& entries) const {
  std::string why = defaultNetwork_.empty() ? "it has no file" : "no network is named " + defaultNetwork_;
  for (const Entry& entry : entries) {
    auto conflist = readConflist(path_ + "/" + entry.name, entry.name);
    if (!conflist) {
      why = describe(conflist.error());
      log::warning("CNI configuration passed over", {{"reason", why}});
    } else if (defaultNetwork_.empty() || conflist->name == defaultNetwork_) {
      return conflist;
    }
  }
  return noConfiguration(path_, why);
}

}  // namespace bulkhead::netd
