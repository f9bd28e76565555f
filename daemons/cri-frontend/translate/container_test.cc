#include "daemons/cri-frontend/translate/container.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "daemons/cri-frontend/translate/capabilities.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

v1::ContainerConfig goodContainer() {
  v1::ContainerConfig config;
  config.mutable_metadata()->set_name("main");
  config.mutable_image()->set_image("busybox");
  config.add_command("/bin/server");
  return config;
}

StoredImage someImage() {
  return StoredImage{.id = ImageId::generate(), .entrypoint = {"/bin/image"}};
}

Outcome<ContainerPlan> translate(const v1::ContainerConfig& config, const v1::PodSandboxConfig& pod = {}) {
  return translateContainer(config, pod, "host", someImage(), schema::ImageVolumes::MKDIR);
}

std::string refusalOf(const v1::ContainerConfig& config, const v1::PodSandboxConfig& pod = {}) {
  auto plan = translate(config, pod);
  return plan ? "accepted" : describe(plan.error());
}

TEST(ContainerTranslation, RefusesBadMetadataAndImage) {
  EXPECT_EQ(describe(checkContainer({}).error()), "config.metadata: is missing");
  auto config = goodContainer();
  config.mutable_metadata()->set_name("");
  EXPECT_EQ(describe(checkContainer(config).error()), "config.metadata.name: is empty");
  config = goodContainer();
  config.mutable_image()->set_image("");
  EXPECT_EQ(describe(checkContainer(config).error()), "config.image.image: is empty");
  config.mutable_image()->set_image("Not/Lower");
  EXPECT_TRUE(describe(checkContainer(config).error()).starts_with("config.image.image: "));
  EXPECT_EQ(*checkContainer(goodContainer()), "docker.io/library/busybox:latest");
}

TEST(ContainerTranslation, RefusesWhatIsNotSupportedYet) {
  auto config = goodContainer();
  config.add_cdi_devices();
  EXPECT_EQ(refusalOf(config), "config.CDI_devices: is not supported yet");
  config = goodContainer();
  config.mutable_linux()->mutable_security_context()->mutable_apparmor()->set_profile_type(
      v1::SecurityProfile::Localhost);
  EXPECT_EQ(refusalOf(config), "config.linux.security_context.apparmor.localhost_ref: is not supported yet");
}

TEST(ContainerTranslation, TakesDevices) {
  auto config = goodContainer();
  auto& device = *config.add_devices();
  device.set_host_path("/dev/fuse");
  device.set_container_path("/dev/fuse");
  device.set_permissions("rw");
  auto plan = translate(config);
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->devices.size(), 1U);
  EXPECT_EQ(plan->devices[0].source, "/dev/fuse");
  EXPECT_EQ(plan->devices[0].access, "rw");
  for (const char* odd : {"", "rwx", "rr", "r w"}) {
    device.set_permissions(odd);
    EXPECT_TRUE(refusalOf(config).starts_with("config.devices[0].permissions: ")) << odd;
  }
  device.set_permissions("r");
  device.set_host_path("/dev/../etc");
  EXPECT_TRUE(refusalOf(config).starts_with("config.devices[0].host_path: "));
  device.set_host_path("/dev/fuse");
  device.set_container_path("fuse");
  EXPECT_TRUE(refusalOf(config).starts_with("config.devices[0].container_path: "));
}

TEST(ContainerTranslation, WhatIsAmbientIsAddedAndDropped) {
  auto config = goodContainer();
  auto& asked = *config.mutable_linux()->mutable_security_context()->mutable_capabilities();
  asked.add_add_ambient_capabilities("net_raw");
  asked.add_add_ambient_capabilities("KILL");
  asked.add_drop_capabilities("KILL");
  auto plan = translate(config);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->capabilities.ambient, std::vector<std::string>{"CAP_NET_RAW"});
  const auto& all = plan->capabilities.all;
  EXPECT_EQ(std::count(all.begin(), all.end(), "CAP_NET_RAW"), 1);
  EXPECT_EQ(std::count(all.begin(), all.end(), "CAP_KILL"), 0);
  asked.add_add_ambient_capabilities("CAP_NONSENSE");
  EXPECT_TRUE(refusalOf(config).find("add_ambient_capabilities[2]: ") != std::string::npos);
}

// Which keys, and whether this host can: the launcher says.
TEST(ContainerTranslation, HugePagesAndUnifiedKeysPassOn) {
  auto config = goodContainer();
  auto& resources = *config.mutable_linux()->mutable_resources();
  (*resources.mutable_unified())["memory.oom.group"] = "1";
  auto& pages = *resources.add_hugepage_limits();
  pages.set_page_size("2MB");
  pages.set_limit(4096);
  FirstRefusal no;
  capnp::MallocMessageBuilder message;
  auto sent = message.initRoot<schema::Resources>();
  describe(sent, translateResources(config.linux(), no));
  EXPECT_FALSE(no);
  EXPECT_EQ(ipc::toString(sent.asReader().getUnified()[0].getKey()), "memory.oom.group");
  EXPECT_EQ(ipc::toString(sent.asReader().getUnified()[0].getValue()), "1");
  EXPECT_EQ(ipc::toString(sent.asReader().getHugepageLimits()[0].getSize()), "2MB");
  EXPECT_EQ(sent.getHugepageLimits()[0].getLimit(), 4096U);
  (*resources.mutable_unified())["../escape"] = "1";
  EXPECT_EQ(refusalOf(config), "config.linux.resources.unified: has a key that is no cgroup file");
}

TEST(ContainerTranslation, AnUpdateSetsWhatIsNotZero) {
  v1::LinuxContainerResources asked;
  EXPECT_FALSE(translateUpdate(asked)->hasOomScoreAdj);
  asked.set_oom_score_adj(500);
  EXPECT_TRUE(translateUpdate(asked)->hasOomScoreAdj);
  asked.set_cpu_quota(-2);
  EXPECT_EQ(describe(translateUpdate(asked).error()), "linux.cpu_quota: is less than -1");

  v1::LinuxContainerResources whole;
  whole.set_cpu_shares(2);
  whole.add_hugepage_limits()->set_page_size("2MB");
  (*whole.mutable_unified())["memory.min"] = "1";
  v1::LinuxContainerResources update;
  update.set_memory_limit_in_bytes(4096);
  for (const char* size : {"2MB", "1GB"}) {
    auto& limit = *update.add_hugepage_limits();
    limit.set_page_size(size);
    limit.set_limit(7);
  }
  (*update.mutable_unified())["memory.high"] = "5";
  mergeResources(update, whole);
  mergeResources(update, whole);
  EXPECT_EQ(whole.cpu_shares(), 2);
  EXPECT_EQ(whole.memory_limit_in_bytes(), 4096);
  ASSERT_EQ(whole.hugepage_limits_size(), 2);
  EXPECT_EQ(whole.hugepage_limits(0).limit(), 7U);
  EXPECT_EQ(whole.unified().size(), 2U);
}

TEST(ContainerTranslation, RefusesBadMounts) {
  auto with = [](const std::string& from, const std::string& to) {
    auto config = goodContainer();
    auto& mount = *config.add_mounts();
    mount.set_host_path(from);
    mount.set_container_path(to);
    return refusalOf(config);
  };
  EXPECT_EQ(with("/data", "/data"), "accepted");
  EXPECT_EQ(with("", "/data"), "config.mounts[0].host_path: is empty");
  EXPECT_EQ(with("/data", "data"), "config.mounts[0].container_path: is not an absolute path");
  EXPECT_EQ(with("/data/../etc", "/data"), "config.mounts[0].host_path: contains '.' or '..'");
  EXPECT_EQ(with(std::string(70000, '/'), "/data"),
            "config.mounts[0].host_path: is longer than a path can be");

  auto config = goodContainer();
  auto& mount = *config.add_mounts();
  mount.set_host_path("/data");
  mount.set_container_path("/data");
  mount.set_recursive_read_only(true);
  EXPECT_TRUE(refusalOf(config).starts_with("config.mounts[0].recursive_read_only: "));
  mount.set_readonly(true);
  EXPECT_EQ(refusalOf(config), "accepted");
  mount.set_image_sub_path("etc");
  EXPECT_EQ(refusalOf(config), "config.mounts[0].image_sub_path: is set without an image");
}

TEST(ContainerTranslation, ImageVolumesAreReadOnlyAndTheirOwn) {
  auto config = goodContainer();
  auto& mount = *config.add_mounts();
  mount.set_container_path("/data");
  mount.mutable_image()->set_image("busybox");
  mount.set_image_sub_path("etc/ssl");
  auto plan = translate(config);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->mounts[0].origin, MountPlan::Origin::image);
  EXPECT_EQ(plan->mounts[0].imageName, "docker.io/library/busybox:latest");
  EXPECT_EQ(plan->mounts[0].subPath, "etc/ssl");
  EXPECT_TRUE(plan->mounts[0].readOnly);
  for (const char* bad : {"/etc", "../etc", "a/../../b"}) {
    mount.set_image_sub_path(bad);
    EXPECT_TRUE(refusalOf(config).starts_with("config.mounts[0].image_sub_path: ")) << bad;
  }
  mount.clear_image_sub_path();
  mount.set_host_path("/etc");
  EXPECT_EQ(refusalOf(config), "config.mounts[0].host_path: cannot be set together with image");
  mount.clear_host_path();
  mount.set_propagation(v1::PROPAGATION_BIDIRECTIONAL);
  EXPECT_EQ(refusalOf(config), "config.mounts[0].propagation: of an image is not private");
  mount.clear_propagation();
  mount.mutable_image()->set_image("Not/Lower");
  EXPECT_TRUE(refusalOf(config).starts_with("config.mounts[0].image.image: "));
}

// Paths as a kernel would walk them in the container, and nothing over its own files (CVE-2022-23648,
// CVE-2019-16884).
TEST(ContainerTranslation, AnImagesVolumes) {
  using Volumes = std::vector<std::string>;
  auto planned = [](const Volumes& volumes, schema::ImageVolumes wanted) {
    ContainerPlan plan;
    plan.mounts.push_back({.source = "/host", .destination = "/covered/"});
    FirstRefusal no;
    addImageVolumes(volumes, wanted, plan, no);
    EXPECT_EQ(static_cast<bool>(no), plan.directories.empty() && plan.mounts.size() == 1 && !volumes.empty());
    return plan;
  };
  const Volumes volumes{"/data", "/../../etc//x/", "relative/./y/../z", "/covered"};
  auto made = planned(volumes, schema::ImageVolumes::MKDIR);
  EXPECT_EQ(made.directories, (Volumes{"/data", "/etc/x", "/relative/z"}));
  auto bound = planned(volumes, schema::ImageVolumes::BIND);
  ASSERT_EQ(bound.mounts.size(), 4U);
  EXPECT_EQ(bound.mounts[3].destination, "/relative/z");
  EXPECT_EQ(bound.mounts[3].origin, MountPlan::Origin::volume);
  EXPECT_FALSE(bound.mounts[3].readOnly);
  for (const char* bad :
       {"/", "", "/..", "/proc", "/proc/self/attr", "/a/../sys", "/dev/", "//dev/shm", "/a\nb"}) {
    planned({bad}, schema::ImageVolumes::MKDIR);
    planned({bad}, schema::ImageVolumes::BIND);
  }
  ContainerPlan ignoring;
  FirstRefusal no;
  addImageVolumes({"/proc", "/data"}, schema::ImageVolumes::IGNORE, ignoring, no);
  EXPECT_TRUE(!no && ignoring.directories.empty() && ignoring.mounts.empty());
}

TEST(ContainerTranslation, RefusesBadLogPaths) {
  v1::PodSandboxConfig pod;
  pod.set_log_directory("/var/log/pods/x");
  for (const std::string path : {"/abs", "../up", "a/../../up"}) {
    auto config = goodContainer();
    config.set_log_path(path);
    EXPECT_TRUE(refusalOf(config, pod).starts_with("config.log_path: ")) << path;
  }
  auto config = goodContainer();
  config.set_log_path("main/0.log");
  EXPECT_EQ(translate(config, pod)->logPath, "main/0.log");
  EXPECT_EQ(translate(config)->logPath, "") << "the pod has no log directory";
}

TEST(ContainerTranslation, RefusesPrivilegeAboveThePod) {
  auto config = goodContainer();
  config.mutable_linux()->mutable_security_context()->set_privileged(true);
  EXPECT_TRUE(refusalOf(config).starts_with("config.linux.security_context.privileged: "));
  EXPECT_EQ(translate(config).error().code, Code::permissionDenied);
  v1::PodSandboxConfig pod;
  pod.mutable_linux()->mutable_security_context()->set_privileged(true);
  auto plan = translate(config, pod);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->privileged);
  EXPECT_EQ(plan->seccomp.kind, schema::Seccomp::UNCONFINED);
  EXPECT_GE(plan->capabilities.all.size(), 38U);
}

TEST(ContainerTranslation, RefusesNamespacesOtherThanThePods) {
  auto config = goodContainer();
  auto& options = *config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
  options.set_pid(v1::NODE);
  EXPECT_TRUE(refusalOf(config).find("namespace_options.pid: is the node's") != std::string::npos);
  EXPECT_EQ(translate(config).error().code, Code::permissionDenied);
  options.set_pid(v1::CONTAINER);
  options.set_network(v1::NODE);
  EXPECT_TRUE(refusalOf(config).find("namespace_options.network: is the node's") != std::string::npos);
  options.set_network(v1::POD);
  EXPECT_EQ(refusalOf(config), "accepted");
}

TEST(ContainerTranslation, SharesProcessesWithThePodOrOneContainer) {
  auto config = goodContainer();
  auto& options = *config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
  options.set_pid(v1::POD);
  EXPECT_TRUE(refusalOf(config).find("namespace_options.pid: is the pod's") != std::string::npos);
  v1::PodSandboxConfig pod;
  pod.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(v1::POD);
  auto plan = translate(config, pod);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->namespaces.pid, schema::Namespace::POD);
  options.set_pid(v1::TARGET);
  EXPECT_TRUE(refusalOf(config).find("namespace_options.target_id: ") != std::string::npos);
  auto target = ContainerId::generate();
  options.set_target_id(target.text());
  plan = translate(config);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->namespaces.pidTarget, target);
  options.set_pid(v1::CONTAINER);
  EXPECT_TRUE(refusalOf(config).find("namespace_options.target_id: ") != std::string::npos);
}

TEST(ContainerTranslation, RefusesBadResources) {
  auto config = goodContainer();
  auto& resources = *config.mutable_linux()->mutable_resources();
  resources.set_oom_score_adj(1001);
  EXPECT_TRUE(refusalOf(config).starts_with("config.linux.resources.oom_score_adj: "));
  resources.set_oom_score_adj(0);
  resources.set_cpuset_cpus("0;1");
  EXPECT_TRUE(refusalOf(config).starts_with("config.linux.resources.cpuset_cpus: "));
  resources.set_cpuset_cpus("0-1");
  resources.set_memory_limit_in_bytes(2000);
  resources.set_memory_swap_limit_in_bytes(1000);
  EXPECT_TRUE(refusalOf(config).starts_with("config.linux.resources.memory_swap_limit_in_bytes: "));
}

TEST(ContainerTranslation, AddsAndDropsCapabilities) {
  auto capabilities = [](std::vector<std::string> add, std::vector<std::string> drop) {
    v1::Capability asked;
    for (auto& name : add) asked.add_add_capabilities(name);
    for (auto& name : drop) asked.add_drop_capabilities(name);
    return capabilitiesOf(asked, false, "caps").map([](const Capabilities& found) { return found.all; });
  };
  auto has = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  EXPECT_EQ(describe(capabilities({"FLY"}, {}).error()), "caps.add_capabilities[0]: is not a capability");
  EXPECT_EQ(describe(capabilities({}, {"CAP_"}).error()), "caps.drop_capabilities[0]: is not a capability");
  EXPECT_EQ(capabilities({}, {})->size(), 9U);
  EXPECT_TRUE(capabilities({}, {"ALL"})->empty());
  EXPECT_EQ(*capabilities({"net_raw"}, {"ALL"}), std::vector<std::string>{"CAP_NET_RAW"});
  EXPECT_FALSE(has(*capabilities({"ALL"}, {"SYS_ADMIN"}), "CAP_SYS_ADMIN"));
  EXPECT_FALSE(has(*capabilities({}, {"CHOWN"}), "CAP_CHOWN"));
}

}  // namespace
}  // namespace bulkhead::cri
