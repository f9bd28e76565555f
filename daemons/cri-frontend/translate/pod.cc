#include "daemons/cri-frontend/translate/pod.h"

#include <algorithm>

#include "daemons/common/base/address.h"
#include "daemons/cri-frontend/translate/fields.h"
#include "daemons/cri-frontend/translate/profiles.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

constexpr int maxDnsEntries =
    32;  // glibc takes 3 servers and 6 searches (resolv.conf(5)); nobody needs more than this
constexpr int maxPorts = 1024;

bool isHostname(std::string_view name) {
  constexpr size_t longest = 64;  // __NEW_UTS_LEN
  return name.size() <= longest && name[0] != '-' && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '.';
         });
}

std::string handlerOf(const std::string& asked, const Settings& settings, FirstRefusal& no) {
  const std::string& name = asked.empty() ? settings.defaultHandler : asked;
  bool known = std::find(settings.handlers.begin(), settings.handlers.end(), name) != settings.handlers.end();
  no.unless(known, "runtime_handler", "is not a configured runtime handler");
  return name;
}

std::vector<std::string> wordsOf(const google::protobuf::RepeatedPtrField<std::string>& list,
                                 const std::string& field, FirstRefusal& no) {
  no.unless(list.size() <= maxDnsEntries, field, "has more than 32 entries");
  for (int i = 0; i < list.size(); ++i) {
    no.unless(isWord(list[i]) && list[i].size() <= 255, indexed(field, i),
              "is empty, too long or contains blanks");
  }
  return {list.begin(), list.end()};
}

void checkMetadata(const v1::PodSandboxConfig& config, FirstRefusal& no) {
  no.unless(config.has_metadata(), "config.metadata", "is missing");
  no.note(checkName(config.metadata().name(), "config.metadata.name"));
  no.note(checkName(config.metadata().namespace_(), "config.metadata.namespace"));
  no.note(checkName(config.metadata().uid(), "config.metadata.uid"));
}

void readDns(const v1::DNSConfig& dns, PodPlan& plan, FirstRefusal& no) {
  plan.dnsServers = wordsOf(dns.servers(), "config.dns_config.servers", no);
  plan.dnsSearches = wordsOf(dns.searches(), "config.dns_config.searches", no);
  plan.dnsOptions = wordsOf(dns.options(), "config.dns_config.options", no);
  for (int i = 0; i < dns.servers_size(); ++i) {
    no.unless(isAddress(dns.servers(i)), indexed("config.dns_config.servers", i), "is not an IP address");
  }
}

void readPorts(const v1::PodSandboxConfig& config, PodPlan& plan, FirstRefusal& no) {
  no.unless(config.port_mappings_size() <= maxPorts, "config.port_mappings", "has more than 1024 entries");
  for (int i = 0; i < config.port_mappings_size(); ++i) {
    const auto& port = config.port_mappings(i);
    std::string field = indexed("config.port_mappings", i);
    auto isPort = [](int number) { return number >= 1 && number <= 65535; };
    no.unless(port.protocol() >= 0 && port.protocol() <= v1::SCTP, field + ".protocol", "is unknown");
    no.unless(isPort(port.container_port()), field + ".container_port", "is not between 1 and 65535");
    no.unless(port.host_port() == 0 || isPort(port.host_port()), field + ".host_port",
              "is not between 0 and 65535");
    no.unless(port.host_ip().empty() || isAddress(port.host_ip()), field + ".host_ip",
              "is not an IP address");
    if (port.host_port() == 0 || no) continue;
    plan.ports.push_back({static_cast<schema::PortMapping::Protocol>(port.protocol()),
                          static_cast<uint16_t>(port.container_port()),
                          static_cast<uint16_t>(port.host_port()), port.host_ip()});
  }
}

// What a pod's security context asks of the sandbox's own process (user, groups, read-only root) has no
// subject here: there is no such process.
void readSecurity(const v1::LinuxSandboxSecurityContext& context, PodPlan& plan, FirstRefusal& no) {
  const std::string field = "config.linux.security_context";
  const auto* options = context.has_namespace_options() ? &context.namespace_options() : nullptr;
  plan.namespaces = podNamespaces(options, field + ".namespace_options", no);
  plan.privileged = context.privileged();
  refuseSelinux(context.has_selinux_options() ? &context.selinux_options() : nullptr,
                field + ".selinux_options", no);
  refuseAppArmor(context.has_apparmor() ? &context.apparmor() : nullptr, "", field + ".apparmor", no);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  (void)seccompOf(context.has_seccomp() ? &context.seccomp() : nullptr, context.seccomp_profile_path(),
                  field + ".seccomp", no);
#pragma GCC diagnostic pop
}

// What is allowed is the launcher's to say (ceiling.toml); what could never be the pod's own is refused here.
void readSysctls(const v1::LinuxPodSandboxConfig& config, PodPlan& plan, FirstRefusal& no) {
  const std::string field = "config.linux.sysctls";
  no.unless(static_cast<size_t>(config.sysctls_size()) <= limits::sysctls, field,
            "has more than 128 entries");
  for (const auto& [key, value] : config.sysctls()) {
    auto name = SysctlName::parse(key, field);
    no.note(name.map([](const SysctlName&) {}));
    if (no) return;
    const std::string entry = field + "[" + name->text() + "]";
    no.note(checkSysctlValue(value, entry));
    no.unless(plan.sysctls.emplace(*name, value).second, entry, "is given twice");
    no.unless(name->scope() != SysctlScope::none, entry, "is not of a pod's own namespace");
    bool onNode = (name->scope() == SysctlScope::ipc ? plan.namespaces.ipc : plan.namespaces.network) ==
                  schema::Namespace::NODE;
    no.unless(!onNode, entry, "would change the node, whose namespace this pod has");
  }
}

void readLinux(const v1::LinuxPodSandboxConfig& config, PodPlan& plan, FirstRefusal& no) {
  plan.cgroupParent = config.cgroup_parent();
  if (!plan.cgroupParent.empty()) {
    no.note(checkAbsolutePath(plan.cgroupParent, "config.linux.cgroup_parent"));
  }
  readSecurity(config.security_context(), plan, no);
  readSysctls(config, plan, no);
}

}  // namespace

Outcome<PodPlan> translatePod(const v1::PodSandboxConfig& config, const std::string& handler,
                              const Settings& settings) {
  FirstRefusal no;
  checkMetadata(config, no);
  PodPlan plan;
  plan.name = config.metadata().name();
  plan.nameSpace = config.metadata().namespace_();
  plan.uid = config.metadata().uid();
  plan.handler = handlerOf(handler, settings, no);
  plan.hostname = config.hostname();
  no.unless(plan.hostname.empty() || isHostname(plan.hostname), "config.hostname", "is not a host name");
  plan.logDirectory = config.log_directory();
  if (!plan.logDirectory.empty()) no.note(checkAbsolutePath(plan.logDirectory, "config.log_directory"));
  readDns(config.dns_config(), plan, no);
  readPorts(config, plan, no);
  readLinux(config.linux(), plan, no);
  plan.annotations = {config.annotations().begin(), config.annotations().end()};
  // The API server gives every port of a hostNetwork pod a host port; there is nothing to map.
  if (plan.hostNetwork()) plan.ports.clear();
  if (!plan.hostNetwork()) readBandwidth(plan, no);
  no.unsupported(config.has_windows(), "config.windows");
  if (no) return no.refusal();
  return plan;
}

std::string hostnameOf(const PodId& id, const PodPlan& plan) {
  constexpr size_t shortId = 12;  // as the peers do
  if (!plan.hostname.empty() || plan.hostNetwork()) return plan.hostname;
  return id.text().substr(0, shortId);
}

void describe(schema::PodSpec::Builder to, const PodId& id, const PodPlan& plan) {
  auto setAll = [](capnp::List<capnp::Text>::Builder list, const std::vector<std::string>& texts) {
    for (unsigned i = 0; i < texts.size(); ++i) list.set(i, texts[i]);
  };
  to.setId(id.text());
  to.setHostname(hostnameOf(id, plan));
  to.setCgroupParent(plan.cgroupParent);
  to.setLogDirectory(plan.logDirectory);
  to.setNetwork(plan.namespaces.network);
  to.setIpc(plan.namespaces.ipc);
  to.setPid(plan.namespaces.pid);
  auto dns = to.initDns();
  setAll(dns.initServers(static_cast<unsigned>(plan.dnsServers.size())), plan.dnsServers);
  setAll(dns.initSearches(static_cast<unsigned>(plan.dnsSearches.size())), plan.dnsSearches);
  setAll(dns.initOptions(static_cast<unsigned>(plan.dnsOptions.size())), plan.dnsOptions);
  to.setRuntimeHandler(plan.handler);
  to.setPrivileged(plan.privileged);
  auto sysctls = to.initSysctls(static_cast<unsigned>(plan.sysctls.size()));
  for (unsigned i = 0; const auto& [name, value] : plan.sysctls) {
    sysctls[i].setKey(name.text());
    sysctls[i++].setValue(ipc::toData(value));
  }
}

}  // namespace bulkhead::cri
