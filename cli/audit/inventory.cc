#include "cli/audit/inventory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "daemons/common/base/io.h"

namespace bulkhead::audit {
namespace {

constexpr auto settleTime = std::chrono::milliseconds(200);
constexpr int looks = 6;

bool isOurProgram(const std::string& executable) {
  std::string name = std::filesystem::path(executable).filename().string();
  // Container processes that Bulkhead provides are not part of Bulkhead.
  return name.starts_with("bulkhead-") && name != "bulkhead-pause";
}

bool belongsTo(const cli::Instance& instance, pid_t pid) {
  if (namesRoot(commandLineOf(pid), instance.root)) return true;
  std::string groups = readSmallFile("/proc/" + std::to_string(pid) + "/cgroup");
  return groups.find("/" + instance.tag() + "/") != std::string::npos;
}

Subject::File fileAt(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return {};
  return {file.st_dev, file.st_ino};
}

}  // namespace

bool namesRoot(const std::vector<std::string>& arguments, const std::string& root) {
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i].starts_with("--root=")) return !root.empty() && arguments[i].substr(7) == root;
    if (arguments[i] == "--root")
      return !root.empty() && i + 1 < arguments.size() && arguments[i + 1] == root;
  }
  return root.empty();
}

jail::CapabilitySet capabilitySetOf(const std::vector<std::string>& names) {
  jail::CapabilitySet set = 0;
  for (int number = 0; number < 64; ++number) {
    std::string_view name = jail::capabilityName(number);
    if (!name.empty() && std::ranges::count(names, name) > 0) set |= jail::CapabilitySet{1} << number;
  }
  return set;
}

Subject readSubject(const cli::Instance& instance, const cli::Settings& settings) {
  Subject subject;
  subject.accounts = settings.accounts;
  subject.pluginCapabilities = capabilitySetOf(settings.pluginCapabilities);
  subject.layout = instance.layout;
  auto self = readProcess(::getpid(), {});
  if (!self) throw std::runtime_error("cannot read /proc/self");
  subject.host = {self->status.bounding, self->netns, self->mountns, self->status.noNewPrivileges,
                  self->status.seccomp};
  for (const jail::Privileges& row : jail::privilegeTable()) {
    Subject::File file = fileAt(instance.library + "/" + std::string(row.program));
    if (file.inode != 0) subject.current[std::string(row.program)] = file;
  }
  return subject;
}

std::vector<ProcessFacts> readInstance(const cli::Instance& instance) {
  std::vector<pid_t> ours;
  SocketTables tables;
  addSocketTables(::getpid(), tables);
  for (pid_t pid : listProcesses()) {
    if (!isOurProgram(executableOf(pid).path) || !belongsTo(instance, pid)) continue;
    ours.push_back(pid);
    addSocketTables(pid, tables);
  }
  std::vector<ProcessFacts> processes;
  for (pid_t pid : ours) {
    if (auto facts = readProcess(pid, tables)) processes.push_back(std::move(*facts));
  }
  return processes;
}

Report auditInstance(const cli::Instance& instance, const cli::Settings& settings) {
  Subject subject = readSubject(instance, settings);
  Report report;
  for (int look = 0; look < looks; ++look) {
    if (look > 0) std::this_thread::sleep_for(settleTime);
    report = compare(jail::privilegeTable(), readInstance(instance), subject);
    if (report.agrees()) break;
  }
  return report;
}

}  // namespace bulkhead::audit
