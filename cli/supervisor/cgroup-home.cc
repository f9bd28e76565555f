#include "cli/supervisor/cgroup-home.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "daemons/common/base/error.h"

namespace bulkhead::supervisor {
namespace {

struct Mount {
  std::string root;  // the directory of the hierarchy that is mounted
  std::string point;
  std::string type;
  std::string options;  // of the superblock: names the v1 controllers
};

// A line of mountinfo, proc(5): "36 35 98:0 /root /point options [optional…] - type source superoptions".
std::optional<Mount> parseMount(const std::string& line) {
  std::istringstream words(line);
  std::string skip;
  Mount mount;
  words >> skip >> skip >> skip >> mount.root >> mount.point;
  while (words >> skip && skip != "-") {
  }
  if (!(words >> mount.type >> skip >> mount.options)) return std::nullopt;
  return mount;
}

bool hasOption(const std::string& options, const std::string& option) {
  return ("," + options + ",").find("," + option + ",") != std::string::npos;
}

// "id:controllers:path" with these controllers; for the unified hierarchy "0" and "".
std::string ownLine(std::string_view cgroups, const std::string& controller) {
  std::istringstream lines{std::string(cgroups)};
  for (std::string line; std::getline(lines, line);) {
    size_t first = line.find(':');
    size_t second = line.find(':', first + 1);
    if (second == line.npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    bool unified = line.starts_with("0::");
    if (controller.empty() ? unified : !unified && hasOption(controllers, controller)) return line;
  }
  return {};
}

std::optional<CgroupPlace> placeIn(const Mount& mount, const std::string& line) {
  std::string path = line.substr(line.find(':', line.find(':') + 1) + 1);
  // A mount of a part of the hierarchy (a container without a cgroup namespace) shows only what is beneath
  // it.
  if (mount.root != "/") {
    if (path != mount.root && !path.starts_with(mount.root + "/")) return std::nullopt;
    path.erase(0, mount.root.size());
  }
  if (path == "/") path.clear();
  return CgroupPlace{mount.point + path, line};
}

}  // namespace

std::optional<CgroupPlace> findCgroupPlace(std::string_view mountInfo, std::string_view cgroups) {
  for (const char* controller : {"", "pids", "name=systemd"}) {
    std::string line = ownLine(cgroups, controller);
    std::istringstream mounts{std::string(mountInfo)};
    for (std::string text; !line.empty() && std::getline(mounts, text);) {
      auto mount = parseMount(text);
      if (!mount) continue;
      bool wanted = *controller == '\0' ? mount->type == "cgroup2"
                                        : mount->type == "cgroup" && hasOption(mount->options, controller);
      if (!wanted) continue;
      if (auto place = placeIn(*mount, line)) return place;
    }
  }
  return std::nullopt;
}

CgroupHome::CgroupHome(const CgroupPlace& place, const std::string& tag)
    : directory_(place.directory + "/" + tag),
      line_(place.line + (place.line.ends_with('/') ? "" : "/") + tag) {
  if (::mkdir(directory_.c_str(), 0755) != 0 && errno != EEXIST)
    throwErrno("make control group " + directory_);
}

Fd CgroupHome::make(const std::string& daemon) const {
  std::string path = directory_ + "/" + daemon;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) throwErrno("make control group " + path);
  Fd processes(::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!processes) throwErrno("open cgroup.procs of " + path);
  return processes;
}

std::string CgroupHome::lineOf(const std::string& daemon) const {
  return line_ + "/" + daemon;
}

std::vector<pid_t> CgroupHome::processesOf(const std::string& daemon) const {
  std::ifstream file(directory_ + "/" + daemon + "/cgroup.procs");
  std::vector<pid_t> pids;
  for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
  return pids;
}

bool CgroupHome::remove(const std::vector<std::string>& daemons) const {
  for (const std::string& daemon : daemons) (void)::rmdir((directory_ + "/" + daemon).c_str());
  return ::rmdir(directory_.c_str()) == 0 || errno == ENOENT;
}

}  // namespace bulkhead::supervisor
