// For the jailbreak test: the ways out of a directory that a taken-over worker would try. The test runs them
// inside the cell, where none may work, and outside, as root, where each must: so that they are known to be
// attempts.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bulkhead::zygote {

// A name for the canary, a file outside, relative to a directory descriptor.
struct Way {
  std::string name;
  int directory;
  std::string path;
};

// `canary` is an absolute path. Makes symlinks in the current directory.
// `firstDescriptor`: the first inherited one to try.
inline std::vector<Way> waysTo(const std::string& canary, int firstDescriptor) {
  std::string up;
  for (int i = 0; i < 40; ++i) up += "../";
  std::string climbed = up + canary.substr(1);
  bool linked = ::symlinkat(canary.c_str(), AT_FDCWD, "absolute-link") == 0 &&
                ::symlinkat(climbed.c_str(), AT_FDCWD, "climbing-link") == 0 &&
                ::symlinkat("/", AT_FDCWD, "root-link") == 0;
  if (!linked) throw std::runtime_error("cannot make symlinks");
  std::vector<Way> ways{{"absolute path", AT_FDCWD, canary},
                        {"..", AT_FDCWD, climbed},
                        {"absolute symlink", AT_FDCWD, "absolute-link"},
                        {"climbing symlink", AT_FDCWD, "climbing-link"},
                        {"symlinked directory", AT_FDCWD, "root-link/" + climbed},
                        {"/proc", AT_FDCWD, "/proc/self/root" + canary},
                        {"/proc/1", AT_FDCWD, "/proc/1/root" + canary}};
  for (int fd = firstDescriptor; fd < 64; ++fd) {
    ways.push_back({"inherited descriptor's directory", fd, climbed});
    ways.push_back({"inherited descriptor", fd, ""});
  }
  return ways;
}

// Every change to the canary by every way. Returns what succeeded: "chmod by absolute path".
inline std::vector<std::string> attemptEscapes(const std::string& canary, int firstDescriptor) {
  using Change = std::function<bool(const Way&)>;
  auto opened = [](const Way& way, int flags) {
    return ::openat(way.directory, way.path.c_str(), flags | O_CLOEXEC);
  };
  auto onOpen = [opened](const Way& way, const std::function<bool(int)>& change) {
    int fd = opened(way, O_RDONLY);
    bool done = fd >= 0 && change(fd);
    if (fd >= 0) ::close(fd);
    return done;
  };
  const std::vector<std::pair<std::string, Change>> changes{
      {"write",
       [opened](const Way& way) {
         int fd = opened(way, O_WRONLY);
         bool done = fd >= 0 && ::pwrite(fd, "x", 1, 0) == 1;
         if (fd >= 0) ::close(fd);
         return done;
       }},
      {"read",
       [onOpen](const Way& way) {
         return onOpen(way, [](int fd) {
           char byte = 0;
           return ::pread(fd, &byte, 1, 0) == 1;
         });
       }},
      {"chmod", [](const Way& way) { return ::fchmodat(way.directory, way.path.c_str(), 04777, 0) == 0; }},
      {"fchmod",
       [onOpen](const Way& way) { return onOpen(way, [](int fd) { return ::fchmod(fd, 04777) == 0; }); }},
      {"chown",
       [](const Way& way) { return ::fchownat(way.directory, way.path.c_str(), 1, 1, AT_EMPTY_PATH) == 0; }},
      {"xattr",
       [onOpen](const Way& way) {
         return onOpen(way, [](int fd) { return ::fsetxattr(fd, "user.canary", "x", 1, 0) == 0; });
       }},
      {"utime",
       [](const Way& way) {
         const std::array<timespec, 2> times{};
         return ::utimensat(way.directory, way.path.c_str(), times.data(), 0) == 0;
       }},
      {"link",
       [](const Way& way) {
         bool done = ::linkat(way.directory, way.path.c_str(), AT_FDCWD, "stolen", AT_SYMLINK_FOLLOW) == 0;
         if (done) ::unlinkat(AT_FDCWD, "stolen", 0);
         return done;
       }},
  };
  struct stat own {};
  std::vector<std::string> succeeded;
  for (const Way& way : waysTo(canary, firstDescriptor)) {
    // Its own pipes the worker may treat as it likes; anything else that it was born with is a way out.
    if (way.path.empty() && (::fstat(way.directory, &own) != 0 || S_ISFIFO(own.st_mode))) continue;
    for (const auto& [what, change] : changes) {
      if (change(way)) succeeded.push_back(what + " by " + way.name);
    }
  }
  return succeeded;
}

}  // namespace bulkhead::zygote
