// What this host has of what Bulkhead needs, with advice for what is missing. Changes nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::cli {

enum class Finding { ok, warning, failure };

struct HostCheck {
  std::string name;
  Finding finding = Finding::ok;
  std::string text;    // what was found
  std::string advice;  // what to do about it; empty: nothing
};

// Which OCI runtime is used here.
struct RuntimeChoice {
  std::string crunVersion;  // what crun --version begins with; empty: there is no crun
  bool crunIsDefault = false;
  bool hasFallback = false;
};
// By the configuration. A crun that it does not use is looked for in the usual places.
RuntimeChoice chooseRuntime(const std::string& defaultPath, bool hasFallback);

// crun up to 1.8 refuses a host with v1 hierarchies whose v2 hierarchy owns a controller. `mountInfo`:
// /proc/self/mountinfo; `unifiedControllers`: cgroup.controllers of the v2 hierarchy. Pure.
HostCheck checkCgroups(std::string_view mountInfo, std::string_view unifiedControllers,
                       const RuntimeChoice& runtime);

// Whether "crun version 1.8.1" is one of those. A text that is no version is: better warned than surprised.
bool refusesHybridHosts(std::string_view crunVersion);

// Where the v2 hierarchy is mounted; empty if it is not.
std::string unifiedMountPoint(std::string_view mountInfo);

// `status`: /proc/1/status or one's own; its CapBnd is what any process here can have. Pure.
HostCheck checkBoundingSet(std::string_view status);

// Overlay, openat2, Landlock, seccomp.
std::vector<HostCheck> checkKernel();

// Whether the file system of `store` counts by project, by its line in `mountInfo`. Pure.
HostCheck checkProjectQuota(std::string_view mountInfo, std::string_view store);

// The OCI runtimes in the usual places, with their versions.
std::vector<HostCheck> checkRuntimes();

// Plugins, and a configuration among them.
std::vector<HostCheck> checkCni();

// The accounts of the packages; numbers from the configuration replace them.
HostCheck checkAccounts();

// Registry credentials that the image daemon's user has to read: `file`, and the files in `directory`; either
// may be empty. Goes by owner and mode.
HostCheck checkAuthFiles(const std::string& file, const std::string& directory, unsigned uid, unsigned gid);

}  // namespace bulkhead::cli
