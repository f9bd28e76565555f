#include "daemons/cri-frontend/translate/pod.h"

#include <gtest/gtest.h>

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

const Settings settings{
    .handlers = {"runc", "crun"}, .defaultHandler = "runc", .cgroupParent = "", .ceilingProfile = ""};

v1::PodSandboxConfig goodPod() {
  v1::PodSandboxConfig config;
  config.mutable_metadata()->set_name("web");
  config.mutable_metadata()->set_namespace_("default");
  config.mutable_metadata()->set_uid("7b1e");
  return config;
}

// What the refusal of `config` says, or "accepted".
std::string refusalOf(const v1::PodSandboxConfig& config, const std::string& handler = "") {
  auto plan = translatePod(config, handler, settings);
  if (plan) return "accepted";
  EXPECT_EQ(plan.error().code, Code::invalidArgument);
  return describe(plan.error());
}

TEST(PodTranslation, RefusesBadMetadata) {
  EXPECT_EQ(refusalOf(v1::PodSandboxConfig()), "config.metadata: is missing");
  for (const std::string name : {"", "a/b", "a..b", "a b", "a;b", "a\nb", "a=b"}) {
    auto config = goodPod();
    config.mutable_metadata()->set_name(name);
    EXPECT_TRUE(refusalOf(config).starts_with("config.metadata.name: ")) << name;
    config = goodPod();
    config.mutable_metadata()->set_uid(name);
    EXPECT_TRUE(refusalOf(config).starts_with("config.metadata.uid: ")) << name;
    config = goodPod();
    config.mutable_metadata()->set_namespace_(name);
    EXPECT_TRUE(refusalOf(config).starts_with("config.metadata.namespace: ")) << name;
  }
  auto config = goodPod();
  config.mutable_metadata()->set_name(std::string(254, 'a'));
  EXPECT_EQ(refusalOf(config), "config.metadata.name: is longer than 253 bytes");
  config.mutable_metadata()->set_name(std::string("a\0b", 3));
  EXPECT_TRUE(refusalOf(config).starts_with("config.metadata.name: "));
}

TEST(PodTranslation, RefusesUnknownHandler) {
  EXPECT_EQ(refusalOf(goodPod(), "kata"), "runtime_handler: is not a configured runtime handler");
  EXPECT_EQ(translatePod(goodPod(), "crun", settings)->handler, "crun");
  EXPECT_EQ(translatePod(goodPod(), "", settings)->handler, "runc");
}

TEST(PodTranslation, RefusesPaths) {
  for (const std::string path : {"relative", "/a/../b", "/a/./b", "/a\nb"}) {
    auto config = goodPod();
    config.set_log_directory(path);
    EXPECT_TRUE(refusalOf(config).starts_with("config.log_directory: ")) << path;
    config = goodPod();
    config.mutable_linux()->set_cgroup_parent(path);
    EXPECT_TRUE(refusalOf(config).starts_with("config.linux.cgroup_parent: ")) << path;
  }
}

TEST(PodTranslation, RefusesResolvConfInjection) {
  auto config = goodPod();
  config.mutable_dns_config()->add_searches("a.example\nnameserver 6.6.6.6");
  EXPECT_TRUE(refusalOf(config).starts_with("config.dns_config.searches[0]: "));
  config = goodPod();
  config.mutable_dns_config()->add_servers("not-an-address");
  EXPECT_EQ(refusalOf(config), "config.dns_config.servers[0]: is not an IP address");
}

TEST(PodTranslation, RefusesBadPorts) {
  auto with = [](int container, int host, const std::string& ip) {
    auto config = goodPod();
    auto& port = *config.add_port_mappings();
    port.set_container_port(container);
    port.set_host_port(host);
    port.set_host_ip(ip);
    return refusalOf(config);
  };
  EXPECT_TRUE(with(0, 80, "").starts_with("config.port_mappings[0].container_port: "));
  EXPECT_TRUE(with(65536, 80, "").starts_with("config.port_mappings[0].container_port: "));
  EXPECT_TRUE(with(80, -1, "").starts_with("config.port_mappings[0].host_port: "));
  EXPECT_TRUE(with(80, 80, "localhost").starts_with("config.port_mappings[0].host_ip: "));
  EXPECT_EQ(with(80, 0, ""), "accepted");
}

// The API server defaults hostPort to containerPort for hostNetwork pods.
TEST(PodTranslation, HostNetworkPodsMapNoPorts) {
  auto config = goodPod();
  auto& port = *config.add_port_mappings();
  port.set_container_port(9100);
  port.set_host_port(9100);
  EXPECT_EQ(translatePod(config, "", settings)->ports.size(), 1U);
  auto& options = *config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
  options.set_pid(v1::CONTAINER);
  options.set_network(v1::NODE);
  auto plan = translatePod(config, "", settings);
  ASSERT_TRUE(plan) << describe(plan.error());
  EXPECT_TRUE(plan->ports.empty());
}

TEST(PodTranslation, ReadsBandwidthFromTheAnnotationsOfKubernetes) {
  auto with = [](const std::string& rate) {
    auto config = goodPod();
    (*config.mutable_annotations())["kubernetes.io/ingress-bandwidth"] = rate;
    return config;
  };
  auto plan = translatePod(with("10M"), "", settings);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->ingressRate, 10'000'000U);
  EXPECT_EQ(plan->egressRate, 0U);
  for (const char* bad : {"", "fast", "999", "2P", "-1M"}) {
    EXPECT_EQ(refusalOf(with(bad)),
              "config.annotations[kubernetes.io/ingress-bandwidth]: is not a quantity from 1k to 1P");
  }
}

TEST(PodTranslation, RefusesWhatIsNotSupportedYet) {
  auto config = goodPod();
  auto& context = *config.mutable_linux()->mutable_security_context();
  context.mutable_selinux_options()->set_level("s0:c1");
  EXPECT_EQ(refusalOf(config), "config.linux.security_context.selinux_options: is not supported yet");

  config = goodPod();
  config.mutable_linux()->mutable_security_context()->mutable_seccomp()->set_profile_type(
      v1::SecurityProfile::Localhost);
  EXPECT_EQ(refusalOf(config), "config.linux.security_context.seccomp.localhost_ref: is empty");

  config = goodPod();
  auto& options = *config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
  options.set_pid(v1::CONTAINER);
  options.mutable_userns_options()->set_mode(v1::POD);
  EXPECT_TRUE(refusalOf(config).find("userns_options: is not supported yet") != std::string::npos);
}

TEST(PodTranslation, TakesSysctlsOfThePodsOwn) {
  auto with = [](const std::string& name, const std::string& value, v1::NamespaceMode network) {
    auto config = goodPod();
    (*config.mutable_linux()->mutable_sysctls())[name] = value;
    auto& options = *config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
    options.set_pid(v1::CONTAINER);
    options.set_network(network);
    return refusalOf(config);
  };
  EXPECT_EQ(with("net.ipv4.ip_forward", "1", v1::POD), "accepted");
  EXPECT_EQ(with("net/ipv4/ip_forward", "1", v1::POD), "accepted");
  EXPECT_EQ(with("kernel.shm_rmid_forced", "1", v1::NODE), "accepted");
  EXPECT_TRUE(
      with("net.ipv4.ip_forward", "1", v1::NODE).starts_with("config.linux.sysctls[net.ipv4.ip_forward]: "));
  EXPECT_TRUE(
      with("kernel.core_pattern", "x", v1::POD).starts_with("config.linux.sysctls[kernel.core_pattern]: "));
  // CVE-2022-0811
  EXPECT_TRUE(with("net.ipv4.ip_local_port_range", "1024 65000'+'net.ipv4.ip_forward=0'", v1::POD)
                  .starts_with("config.linux.sysctls[net.ipv4.ip_local_port_range]: "));
  EXPECT_TRUE(
      with("kernel.shm_rmid_forced+kernel.core_pattern", "1", v1::POD).starts_with("config.linux.sysctls: "));
  auto config = goodPod();
  (*config.mutable_linux()->mutable_sysctls())["net/ipv4/ip_forward"] = "0";
  (*config.mutable_linux()->mutable_sysctls())["net.ipv4.ip_forward"] = "1";
  EXPECT_TRUE(refusalOf(config).find("is given twice") != std::string::npos);
}

TEST(PodTranslation, TellsAbsentNamespacesFromPod) {
  EXPECT_EQ(translatePod(goodPod(), "", settings)->namespaces.pid, schema::Namespace::CONTAINER);
  auto config = goodPod();
  auto& options = *config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
  EXPECT_EQ(translatePod(config, "", settings)->namespaces.pid, schema::Namespace::POD);
  options.set_pid(v1::TARGET);
  EXPECT_TRUE(refusalOf(config).find("namespace_options.pid: is not") != std::string::npos);
  options.set_pid(v1::CONTAINER);
  options.set_network(v1::NODE);
  auto plan = translatePod(config, "", settings);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->hostNetwork());
}

TEST(PodTranslation, NamesThePod) {
  auto id = PodId::generate();
  EXPECT_EQ(hostnameOf(id, *translatePod(goodPod(), "", settings)), id.text().substr(0, 12));
  auto config = goodPod();
  config.set_hostname("web-0");
  EXPECT_EQ(hostnameOf(id, *translatePod(config, "", settings)), "web-0");
  config.set_hostname("web_0");
  EXPECT_EQ(refusalOf(config), "config.hostname: is not a host name");
}

}  // namespace
}  // namespace bulkhead::cri
