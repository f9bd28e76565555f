#include <algorithm>
#include <string_view>

#include "daemons/cri-frontend/translate/container.h"
#include "daemons/cri-frontend/translate/fields.h"
#include "ipc/limits.h"

namespace bulkhead::cri {
namespace {

// "/a/b" for "a//./c/../b/": as in chroot(2), ".." ends at the root.
std::string cleaned(std::string_view path) {
  std::string clean;
  while (!path.empty()) {
    size_t slash = std::min(path.find('/'), path.size());
    std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      clean.append("/").append(part);
    } else if (!clean.empty()) {
      clean.resize(clean.rfind('/'));
    }
  }
  return clean.empty() ? "/" : clean;
}

bool isKernels(std::string_view path) {
  std::string_view top = path.substr(1, path.find('/', 1) - 1);
  return top == "proc" || top == "sys" || top == "dev";
}

}  // namespace

void addImageVolumes(const std::vector<std::string>& volumes, schema::ImageVolumes wanted,
                     ContainerPlan& plan, FirstRefusal& no) {
  if (wanted == schema::ImageVolumes::IGNORE) return;
  no.unless(plan.mounts.size() + volumes.size() <= limits::mounts, "image.config.volumes",
            "are too many together with config.mounts");
  for (size_t i = 0; i < volumes.size(); ++i) {
    std::string field = indexed("image.config.volumes", static_cast<int>(i));
    std::string path = cleaned(volumes[i]);
    no.note(checkAbsolutePath(path, field));
    no.unless(path != "/" && !isKernels(path), field, "is '/', or in /proc, /sys or /dev");
    if (no) return;
    auto covers = [&path](const MountPlan& mount) { return cleaned(mount.destination) == path; };
    if (std::any_of(plan.mounts.begin(), plan.mounts.end(), covers)) continue;
    if (wanted == schema::ImageVolumes::MKDIR) {
      plan.directories.push_back(std::move(path));
    } else {
      plan.mounts.push_back({.origin = MountPlan::Origin::volume, .destination = std::move(path)});
    }
  }
}

}  // namespace bulkhead::cri
