#include "daemons/storaged/verifier/trust-files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "ipc/limits.h"

namespace bulkhead::verifier {
namespace {

constexpr size_t mostPolicies = 1024;
constexpr size_t shownBytes = 128;

tl::unexpected<Refusal> unusable(const std::string& path, const std::string& why) {
  return refuse(Code::failedPrecondition, "", log::printable(path, shownBytes) + " " + why);
}

}  // namespace

std::optional<std::string> TrustFiles::beneath(const std::string& path) const {
  std::string prefix = name_ == "/" ? name_ : name_ + "/";
  if (!path.starts_with(prefix) || path.size() == prefix.size()) return std::nullopt;
  return path.substr(prefix.size());
}

Outcome<std::optional<std::string>> TrustFiles::readIfThere(const std::string& path) const {
  auto relative = beneath(path);
  if (!relative) return unusable(path, "is not beneath " + name_ + ", the only directory that is looked at");
  Fd file = tryOpenBeneath(root_.get(), *relative, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file && errno == ELOOP) return unusable(path, "is or lies behind a symbolic link");
  if (!file) return unusable(path, "cannot be opened by the verifier: " + errnoText(errno));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throwErrno("fstat");
  if (!S_ISREG(info.st_mode)) return unusable(path, "is not a regular file");
  auto text = readBounded(file.get(), limits::trustFile);
  if (!text) return unusable(path, "is over 1 MiB");
  return text;
}

Outcome<std::string> TrustFiles::read(const std::string& path) const {
  auto text = readIfThere(path);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return unusable(path, "does not exist");
  return **std::move(text);
}

std::vector<std::string> TrustFiles::policiesIn(const std::string& directory) const {
  std::vector<std::string> paths;
  auto relative = beneath(directory);
  Fd fd = relative ? tryOpenBeneath(root_.get(), *relative, O_RDONLY | O_DIRECTORY) : Fd();
  if (!fd) return paths;
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.release()), ::closedir);
  if (!stream) throwErrno("fdopendir");
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string name(static_cast<const char*>(entry->d_name));
    if (name.ends_with(".json") && paths.size() < mostPolicies) paths.push_back(directory + "/" + name);
  }
  return paths;
}

}  // namespace bulkhead::verifier
