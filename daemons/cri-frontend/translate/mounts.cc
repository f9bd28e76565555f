#include "daemons/cri-frontend/translate/container.h"
#include "daemons/cri-frontend/translate/fields.h"
#include "daemons/cri-frontend/translate/image-name.h"
#include "ipc/limits.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

void refuseUnsupported(const v1::Mount& mount, const std::string& field, FirstRefusal& no) {
  no.unsupported(mount.uidmappings_size() > 0, field + ".uidMappings");
  no.unsupported(mount.gidmappings_size() > 0, field + ".gidMappings");
  no.unsupported(mount.mount_options_size() > 0, field + ".mount_options");
}

// Read-only whatever is asked, as Kubernetes describes image volumes.
MountPlan translateImage(const v1::Mount& mount, const std::string& field, FirstRefusal& no) {
  no.unless(mount.host_path().empty(), field + ".host_path", "cannot be set together with image");
  no.unless(mount.propagation() == v1::PROPAGATION_PRIVATE, field + ".propagation",
            "of an image is not private");
  MountPlan plan{.origin = MountPlan::Origin::image, .destination = mount.container_path(), .readOnly = true};
  plan.imageName = no.take(parseImageName(mount.image().image(), field + ".image.image"));
  plan.subPath = mount.image_sub_path();
  if (!plan.subPath.empty()) no.note(checkRelativePath(plan.subPath, field + ".image_sub_path"));
  return plan;
}

MountPlan translateMount(const v1::Mount& mount, const std::string& field, FirstRefusal& no) {
  // selinux_relabel is accepted: the kubelet always sets it, and without SELinux there is nothing to label.
  refuseUnsupported(mount, field, no);
  no.note(checkAbsolutePath(mount.container_path(), field + ".container_path"));
  if (!mount.image().image().empty()) return translateImage(mount, field, no);
  no.unless(mount.image_sub_path().empty(), field + ".image_sub_path", "is set without an image");
  no.note(checkAbsolutePath(mount.host_path(), field + ".host_path"));
  bool known =
      mount.propagation() >= v1::PROPAGATION_PRIVATE && mount.propagation() <= v1::PROPAGATION_BIDIRECTIONAL;
  no.unless(known, field + ".propagation", "is unknown");
  if (mount.recursive_read_only()) {
    bool possible = mount.readonly() && mount.propagation() == v1::PROPAGATION_PRIVATE;
    no.unless(possible, field + ".recursive_read_only", "needs readonly and private propagation");
  }
  return {.source = mount.host_path(),
          .destination = mount.container_path(),
          .readOnly = mount.readonly(),
          .recursiveReadOnly = mount.recursive_read_only(),
          .propagation = known ? static_cast<schema::Mount::Propagation>(mount.propagation())
                               : schema::Mount::Propagation::PRIVATE};
}

}  // namespace

std::vector<MountPlan> translateMounts(const v1::ContainerConfig& config, FirstRefusal& no) {
  std::vector<MountPlan> mounts;
  no.unless(static_cast<size_t>(config.mounts_size()) <= limits::mounts, "config.mounts",
            "has more than 1024 entries");
  for (int i = 0; i < config.mounts_size() && !no; ++i) {
    mounts.push_back(translateMount(config.mounts(i), indexed("config.mounts", i), no));
  }
  return mounts;
}

}  // namespace bulkhead::cri
