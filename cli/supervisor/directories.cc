#include "cli/supervisor/directories.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"

namespace bulkhead::supervisor {
namespace {

void makeDirectoryWith(const std::string& path, cli::Account owner, unsigned mode) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throwErrno("mkdir " + path);
  Fd dir(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir) throwErrno("open directory " + path);
  if (::fchown(dir.get(), owner.uid, owner.gid) != 0) throwErrno("chown " + path);
  if (::fchmod(dir.get(), mode) != 0) throwErrno("chmod " + path);
}

void makeParents(const std::string& path) {
  std::string parent = std::filesystem::path(path).parent_path().string();
  struct stat existing {};
  if (parent == path || ::stat(parent.c_str(), &existing) == 0) return;
  makeParents(parent);
  makeDirectoryWith(parent, {}, 0755);
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

void makeRunDirectory(const cli::Instance& instance) {
  makeParents(instance.layout.run);
  if (!instance.root.empty()) makeDirectoryWith(instance.root, {}, 0755);
  makeDirectoryWith(instance.layout.run, {}, 0755);
}

void makeDirectories(const cli::Instance& instance, const cli::Accounts& accounts) {
  for (const LayoutDirectory& directory : directoriesOf(instance.layout)) {
    makeParents(directory.path);
    makeDirectoryWith(directory.path, {accounts.of(directory.owner).uid, accounts.of(directory.group).gid},
                      directory.mode);
  }
}

Fd lockInstance(const cli::Instance& instance) {
  std::string path = instance.layout.run + "/up.lock";
  Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock) throwErrno("open " + path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) throwErrno("lock " + path);
  throw std::runtime_error("another 'bulkheadctl up' is running on " +
                           (instance.root.empty() ? std::string("the packaged places") : instance.root));
}

void writeDefaultCeiling(const cli::Instance& instance) {
  Fd run = openDirectory(instance.layout.run);
  std::string text =
      "# Made by 'bulkheadctl up' at every start; give --ceiling FILE for another one.\n"
      "profile = \"baseline\"\n"
      "log_roots = [" +
      quoted(instance.layout.logs) + ", \"/var/log/pods\"]\n";
  replaceDurably(run.get(), "ceiling.toml", text, 0644);
  if (::fchmodat(run.get(), "ceiling.toml", 0644, 0) != 0) throwErrno("chmod ceiling.toml");
}

}  // namespace bulkhead::supervisor
