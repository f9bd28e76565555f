#include "daemons/cri-frontend/translate/container.h"

#include "daemons/cri-frontend/translate/fields.h"
#include "daemons/cri-frontend/translate/image-name.h"
#include "daemons/cri-frontend/translate/process.h"
#include "daemons/cri-frontend/translate/profiles.h"
#include "daemons/cri-frontend/translate/signals.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

constexpr const char* securityField = "config.linux.security_context";
constexpr int maxPaths = 256;

std::vector<std::string> pathsOf(const google::protobuf::RepeatedPtrField<std::string>& list,
                                 const std::string& field, FirstRefusal& no) {
  no.unless(list.size() <= maxPaths, field, "has more than 256 entries");
  for (int i = 0; i < list.size(); ++i) no.note(checkAbsolutePath(list[i], indexed(field, i)));
  return {list.begin(), list.end()};
}

SeccompChoice seccompOf(const v1::LinuxContainerSecurityContext& context, FirstRefusal& no) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  auto profile = seccompOf(context.has_seccomp() ? &context.seccomp() : nullptr,
                           context.seccomp_profile_path(), std::string(securityField) + ".seccomp", no);
  refuseAppArmor(context.has_apparmor() ? &context.apparmor() : nullptr, context.apparmor_profile(),
                 std::string(securityField) + ".apparmor", no);
#pragma GCC diagnostic pop
  // As the peers do: a filter in front of every capability would not be what "privileged" says.
  return context.privileged() ? SeccompChoice{schema::Seccomp::UNCONFINED, {}} : profile;
}

void readSecurity(const v1::LinuxContainerSecurityContext& context, const v1::PodSandboxConfig& pod,
                  ContainerPlan& plan, FirstRefusal& no) {
  const std::string field = securityField;
  plan.privileged = context.privileged();
  no.unless(!plan.privileged || pod.linux().security_context().privileged(), field + ".privileged",
            "is refused in a pod that is not privileged", Code::permissionDenied);
  plan.noNewPrivileges = context.no_new_privs();
  plan.readOnlyRoot = context.readonly_rootfs();
  plan.maskedPaths = pathsOf(context.masked_paths(), field + ".masked_paths", no);
  plan.readOnlyPaths = pathsOf(context.readonly_paths(), field + ".readonly_paths", no);
  plan.seccomp = seccompOf(context, no);
  refuseSelinux(context.has_selinux_options() ? &context.selinux_options() : nullptr,
                field + ".selinux_options", no);
  plan.capabilities =
      no.take(capabilitiesOf(context.capabilities(), plan.privileged, field + ".capabilities"));

  const auto& podContext = pod.linux().security_context();
  FirstRefusal ofPod;  // was checked when the pod was made
  auto podHas = podNamespaces(podContext.has_namespace_options() ? &podContext.namespace_options() : nullptr,
                              "", ofPod);
  const auto* options = context.has_namespace_options() ? &context.namespace_options() : nullptr;
  plan.namespaces = containerNamespaces(options, podHas, field + ".namespace_options", no);
}

void describe(schema::Mount::Builder to, const MountPlan& plan) {
  to.setSource(plan.source);
  to.setDestination(plan.destination);
  to.setReadOnly(plan.readOnly);
  to.setPropagation(plan.propagation);
  to.setRecursiveReadOnly(plan.recursiveReadOnly);
  if (!plan.image) return;
  to.setImage(plan.image->text());
  to.setSubPath(plan.subPath);
}

}  // namespace

Outcome<std::string> checkContainer(const v1::ContainerConfig& config) {
  FirstRefusal no;
  no.unless(config.has_metadata(), "config.metadata", "is missing");
  no.note(checkName(config.metadata().name(), "config.metadata.name"));
  std::string image = no.take(parseImageName(config.image().image(), "config.image.image"));
  no.unsupported(config.has_windows(), "config.windows");
  if (no) return no.refusal();
  return image;
}

Outcome<ContainerPlan> translateContainer(const v1::ContainerConfig& config, const v1::PodSandboxConfig& pod,
                                          const std::string& hostname, const StoredImage& image,
                                          schema::ImageVolumes imageVolumes) {
  FirstRefusal no;
  ContainerPlan plan;
  plan.args = no.take(processArgs(config, image));
  plan.env = no.take(processEnv(config, image, hostname));
  plan.workingDirectory = no.take(processDirectory(config, image));
  plan.mounts = translateMounts(config, no);
  addImageVolumes(image.volumes, imageVolumes, plan, no);
  plan.devices = translateDevices(config, no);
  no.unsupported(config.cdi_devices_size() > 0, "config.CDI_devices");
  plan.resources = translateResources(config.linux(), no);
  readSecurity(config.linux().security_context(), pod, plan, no);
  plan.tty = config.tty();
  plan.stdin = config.stdin();
  plan.stopSignal = no.take(stopSignalOf(config.stop_signal(), image.stopSignal));
  if (!config.log_path().empty()) no.note(checkRelativePath(config.log_path(), "config.log_path"));
  // The peers log nothing for a pod without a log directory, and so do we.
  if (!pod.log_directory().empty()) plan.logPath = config.log_path();
  if (no) return no.refusal();
  return plan;
}

void describe(schema::ContainerSpec::Builder to, const ContainerId& id, const PodId& pod,
              const ContainerPlan& plan) {
  auto setTexts = [](capnp::List<capnp::Text>::Builder list, const std::vector<std::string>& texts) {
    for (unsigned i = 0; i < texts.size(); ++i) list.set(i, texts[i]);
  };
  auto setData = [](capnp::List<capnp::Data>::Builder list, const std::vector<std::string>& texts) {
    for (unsigned i = 0; i < texts.size(); ++i) list.set(i, ipc::toData(texts[i]));
  };
  auto count = [](const auto& list) { return static_cast<unsigned>(list.size()); };
  to.setId(id.text());
  to.setPodId(pod.text());
  setData(to.initArgs(count(plan.args)), plan.args);
  setData(to.initEnv(count(plan.env)), plan.env);
  to.setWorkingDirectory(plan.workingDirectory);
  to.setUid(plan.user.uid);
  to.setGid(plan.user.gid);
  auto groups = to.initGroups(count(plan.user.groups));
  for (unsigned i = 0; i < plan.user.groups.size(); ++i) groups.set(i, plan.user.groups[i]);
  setTexts(to.initCapabilities(count(plan.capabilities.all)), plan.capabilities.all);
  setTexts(to.initAmbientCapabilities(count(plan.capabilities.ambient)), plan.capabilities.ambient);
  to.setNoNewPrivileges(plan.noNewPrivileges);
  to.setReadOnlyRoot(plan.readOnlyRoot);
  to.setPrivileged(plan.privileged);
  setTexts(to.initMaskedPaths(count(plan.maskedPaths)), plan.maskedPaths);
  setTexts(to.initReadOnlyPaths(count(plan.readOnlyPaths)), plan.readOnlyPaths);
  auto mounts = to.initMounts(count(plan.mounts));
  for (unsigned i = 0, volume = 0; i < plan.mounts.size(); ++i) {
    describe(mounts[i], plan.mounts[i]);
    if (plan.mounts[i].origin == MountPlan::Origin::volume)
      mounts[i].setVolume(static_cast<uint16_t>(volume++));
  }
  setTexts(to.initDirectories(count(plan.directories)), plan.directories);
  auto devices = to.initDevices(count(plan.devices));
  for (unsigned i = 0; i < plan.devices.size(); ++i) {
    devices[i].setSource(plan.devices[i].source);
    devices[i].setDestination(plan.devices[i].destination);
    devices[i].setAccess(plan.devices[i].access);
  }
  to.setSeccomp(plan.seccomp.kind);
  to.setSeccompProfile(plan.seccomp.profile);
  describe(to.initResources(), plan.resources);
  to.setPid(plan.namespaces.pid);
  if (plan.namespaces.pidTarget) to.setPidTarget(plan.namespaces.pidTarget->text());
  to.setTty(plan.tty);
  to.setStdin(plan.stdin);
  to.setLogPath(plan.logPath);
}

}  // namespace bulkhead::cri
