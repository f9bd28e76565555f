#include "cli/host-checks.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "cli/audit/proc-reader.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/privileges.h"

namespace bulkhead::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* pluginPlaces[] = {"/opt/cni/bin", "/usr/lib/cni"};
constexpr const char* cniConfigPlace = "/etc/cni/net.d";
constexpr const char* programPlaces[] = {"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"};

bool hasFileSystem(std::string_view mountInfo, std::string_view type) {
  return mountInfo.find(" - " + std::string(type) + " ") != mountInfo.npos;
}

HostCheck checkOpenat2() {
  struct open_how how {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH;
  Fd here(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how)));
  if (here || errno != ENOSYS) return {"openat2", Finding::ok, "present", ""};
  return {"openat2", Finding::failure, "absent", "a kernel of 5.6 or later is needed"};
}

HostCheck checkLandlock() {
  constexpr unsigned askVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
  long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, askVersion);
  if (version >= 2) return {"landlock", Finding::ok, "ABI " + std::to_string(version), ""};
  return {"landlock", Finding::warning, version == 1 ? "ABI 1" : "absent or switched off",
          "boot with lsm=landlock,… on a kernel of 5.19 or later: until then daemons run without this wall"};
}

HostCheck checkSeccomp() {
  unsigned action = SECCOMP_RET_KILL_PROCESS;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
    return {"seccomp", Finding::ok, "present", ""};
  return {"seccomp", Finding::failure, "no filters that kill a process",
          "a kernel with CONFIG_SECCOMP_FILTER is needed"};
}

HostCheck checkOverlay() {
  if (readSmallFile("/proc/filesystems").find("\toverlay\n") != std::string::npos) {
    return {"overlay", Finding::ok, "present", ""};
  }
  return {"overlay", Finding::failure, "not registered", "load the module: modprobe overlay"};
}

// The first line that the program prints for --version; empty if it fails.
std::string versionOf(const std::string& program) {
  Pipe pipe = makePipe();
  pid_t child = ::fork();
  if (child == 0) {
    if (::dup2(pipe.write.get(), STDOUT_FILENO) >= 0) {
      ::execl(program.c_str(), program.c_str(), "--version", static_cast<char*>(nullptr));
    }
    ::_exit(127);
  }
  pipe.write.reset();
  constexpr size_t maxVersion = 65536;
  std::string text = child > 0 ? readBounded(pipe.read.get(), maxVersion).value_or("") : "";
  if (child <= 0 || waitFor(child, std::nullopt).value_or(ExitStatus{1}).code != 0) return {};
  return text.substr(0, text.find('\n'));
}

std::string programNamed(const std::string& name) {
  for (const char* place : programPlaces) {
    std::string path = std::string(place) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

HostCheck hybridCheck(const std::string& controllers, const RuntimeChoice& runtime) {
  std::string found = "hybrid, and the v2 hierarchy owns: " + controllers;
  if (runtime.crunVersion.empty()) return {"cgroups", Finding::ok, found, ""};
  found += "; " + runtime.crunVersion;
  if (!refusesHybridHosts(runtime.crunVersion)) return {"cgroups", Finding::ok, found, ""};
  bool hopeless = runtime.crunIsDefault && !runtime.hasFallback;
  std::string mounts;
  std::istringstream names(controllers);
  for (std::string name; names >> name;)
    mounts += (mounts.empty() ? ": mkdir -p D/" : "; mkdir -p D/") + name + " && mount -t cgroup -o " + name +
              " none D/" + name;
  std::string advice = "crun up to 1.8 refuses to run like this";
  advice += hopeless ? ", and it is the default with no other to fall back to" : "";
  advice +=
      ". Either use runc (default_runtime or fallback_runtime in bulkhead.toml), or give each of these "
      "controllers a v1 hierarchy, in some directory D" +
      mounts;
  return {"cgroups", hopeless ? Finding::failure : Finding::warning, found, advice};
}

}  // namespace

bool refusesHybridHosts(std::string_view crunVersion) {
  size_t digit = crunVersion.find_first_of("0123456789");
  int major = 0;
  int minor = 0;
  if (digit == crunVersion.npos ||
      std::sscanf(std::string(crunVersion.substr(digit)).c_str(), "%d.%d", &major, &minor) != 2) {
    return true;
  }
  return major < 1 || (major == 1 && minor <= 8);
}

std::string unifiedMountPoint(std::string_view mountInfo) {
  std::istringstream lines{std::string(mountInfo)};
  for (std::string line; std::getline(lines, line);) {
    if (!hasFileSystem(line, "cgroup2")) continue;
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    words >> id >> parent >> device >> root >> point;
    return point;
  }
  return {};
}

HostCheck checkProjectQuota(std::string_view mountInfo, std::string_view store) {
  std::istringstream lines{std::string(mountInfo)};
  size_t longest = 0;
  std::string type;
  std::string options;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    words >> id >> parent >> device >> root >> point;
    bool holds = store == point || point == "/" || store.starts_with(point + "/");
    size_t separator = line.find(" - ");  // proc(5): type, source and the file system's own options follow
    if (!holds || point.size() < longest || separator == line.npos) continue;
    longest = point.size();
    std::istringstream rest(line.substr(separator + 3));
    std::string source;
    rest >> type >> source >> options;
  }
  bool counts = ("," + options + ",").find(",prjquota,") != std::string::npos;
  if (counts) return {"project quota", Finding::ok, type + ", on: it counts what containers write", ""};
  return {"project quota", Finding::ok,
          type + ", off: workers count what containers write, every ten seconds", ""};
}

RuntimeChoice chooseRuntime(const std::string& defaultPath, bool hasFallback) {
  RuntimeChoice choice;
  choice.crunIsDefault = fs::path(defaultPath).filename() == "crun";
  choice.hasFallback = hasFallback;
  std::string crun = choice.crunIsDefault ? defaultPath : programNamed("crun");
  if (!crun.empty()) choice.crunVersion = versionOf(crun);
  return choice;
}

HostCheck checkCgroups(std::string_view mountInfo, std::string_view unifiedControllers,
                       const RuntimeChoice& runtime) {
  bool v1 = hasFileSystem(mountInfo, "cgroup");
  bool v2 = hasFileSystem(mountInfo, "cgroup2");
  if (!v1 && !v2) {
    return {"cgroups", Finding::failure, "no hierarchy is mounted", "mount -t cgroup2 none /sys/fs/cgroup"};
  }
  if (!v1) return {"cgroups", Finding::ok, "v2", ""};
  std::string controllers(unifiedControllers.substr(0, unifiedControllers.find('\n')));
  if (!v2 || controllers.empty()) return {"cgroups", Finding::ok, v2 ? "v1 (hybrid)" : "v1", ""};
  return hybridCheck(controllers, runtime);
}

HostCheck checkBoundingSet(std::string_view status) {
  auto parsed = audit::parseStatus(status);
  if (!parsed) return {"capabilities", Finding::warning, "unknown: /proc/1/status is not readable", ""};
  std::string missing;
  for (int number = 0; number < 64; ++number) {
    std::string_view name = jail::capabilityName(number);
    if (name.empty() || ((parsed->bounding >> number) & 1) != 0) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(name);
  }
  if (missing.empty()) return {"capabilities", Finding::ok, "all in the bounding set", ""};
  return {"capabilities", Finding::warning, "the bounding set lacks " + missing,
          "containers cannot be given these; without CAP_SYS_RESOURCE, oom_score_adj cannot be lowered"};
}

std::vector<HostCheck> checkKernel() {
  return {checkOverlay(), checkOpenat2(), checkLandlock(), checkSeccomp()};
}

std::vector<HostCheck> checkRuntimes() {
  std::vector<HostCheck> checks;
  for (const char* name : {"crun", "runc"}) {
    std::string path = programNamed(name);
    if (path.empty()) continue;
    std::string version = versionOf(path);
    bool works = !version.empty();
    checks.push_back({name, works ? Finding::ok : Finding::warning,
                      path + ": " + (works ? version : "does not tell its version"), ""});
  }
  if (checks.empty()) {
    checks.push_back(
        {"runtimes", Finding::failure, "neither crun nor runc is installed", "apt-get install crun runc"});
  }
  return checks;
}

std::vector<HostCheck> checkCni() {
  HostCheck plugins{"cni plugins", Finding::failure, "none in /opt/cni/bin or /usr/lib/cni",
                    "apt-get install containernetworking-plugins"};
  for (const char* place : pluginPlaces) {
    if (::access((std::string(place) + "/loopback").c_str(), X_OK) != 0) continue;
    plugins = {"cni plugins", Finding::ok, place, ""};
    break;
  }
  HostCheck config{"cni config", Finding::warning, std::string("none in ") + cniConfigPlace,
                   "pods without host network need one, unless bulkhead.toml names another directory"};
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(cniConfigPlace, error)) {
    std::string extension = entry.path().extension().string();
    if (extension != ".conflist" && extension != ".conf" && extension != ".json") continue;
    config = {"cni config", Finding::ok, entry.path().string(), ""};
  }
  return {plugins, config};
}

HostCheck checkAccounts() {
  std::string missing;
  for (const char* name :
       {"bulkhead-cri", "bulkhead-image", "bulkhead-storage", "bulkhead-net", "bulkhead-config"}) {
    if (::getpwnam(name) == nullptr) missing += (missing.empty() ? "" : ", ") + std::string(name);
  }
  if (missing.empty()) return {"users", Finding::ok, "all present", ""};
  return {"users", Finding::warning, "absent: " + missing,
          "the numbers in bulkhead.toml, or their defaults, are used; nobody else may have them"};
}

namespace {

// Whether `path` is there and refuses uid and gid the right, 4 to read and 1 to search.
bool refuses(const std::string& path, unsigned right, unsigned uid, unsigned gid) {
  struct stat info {};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return false;
  unsigned shift = info.st_uid == uid ? 6 : info.st_gid == gid ? 3 : 0;
  return ((info.st_mode >> shift) & right) != right;
}

}  // namespace

HostCheck checkAuthFiles(const std::string& file, const std::string& directory, unsigned uid, unsigned gid) {
  const std::string name = "auth files";
  if (file.empty() && directory.empty()) return {name, Finding::ok, "none configured", ""};
  std::string closed = refuses(file, 4, uid, gid) ? file : refuses(directory, 1, uid, gid) ? directory : "";
  if (closed.empty()) return {name, Finding::ok, "readable by the image daemon", ""};
  return {name, Finding::failure, closed + " is closed to the image daemon (uid " + std::to_string(uid) + ")",
          "pulls are refused: chgrp " + std::to_string(gid) + " and chmod g+r (g+x for a directory) it"};
}

}  // namespace bulkhead::cli
