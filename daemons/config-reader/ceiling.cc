#include "daemons/common/base/sysctl.h"
#include "daemons/config-reader/answer.h"
#include "daemons/config-reader/checks.h"
#include "daemons/config-reader/keys.h"

namespace bulkhead::config {
namespace {

const std::vector<std::string>& propagations(const Setting& setting) {
  for (const std::string& word : setting.texts()) {
    bool known = word == "private" || word == "host-to-container" || word == "bidirectional";
    if (!known) setting.refuse("must be of private, host-to-container, bidirectional, not '" + word + "'");
  }
  return setting.texts();
}

// "net.ipv4.tcp_rmem", "net.ipv4.*"
const std::vector<std::string>& sysctls(const Setting& setting) {
  for (const std::string& rule : setting.texts()) {
    std::string name = rule.ends_with(".*") ? rule.substr(0, rule.size() - 1) + "x" : rule;
    auto parsed = SysctlName::parse(name, "");
    if (!parsed || parsed->text() != name)
      setting.refuse("must be names of kernel parameters with dots, or such with .* at the end, not '" +
                     rule + "'");
  }
  return setting.texts();
}

// "/dev/fuse:rw", "/dev/vfio/*:rwm"
void writeDevices(const Setting& setting, schema::Ceiling::Builder ceiling) {
  const auto& rules = setting.texts();
  auto list = ceiling.initDevices(static_cast<unsigned>(rules.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    size_t colon = rules[i].rfind(':');
    std::string path = rules[i].substr(0, colon);
    std::string access = colon == std::string::npos ? "" : rules[i].substr(colon + 1);
    bool isPrefix = path.ends_with('*');
    if (isPrefix) path.pop_back();
    bool good = path.starts_with('/') && path.find("..") == std::string::npos &&
                path.find("//") == std::string::npos && path.find('*') == std::string::npos &&
                !access.empty() && access.find_first_not_of("rwm") == std::string::npos;
    if (!good) setting.refuse("must be like \"/dev/fuse:rw\", not '" + rules[i] + "'");
    list[i].setPath(path);
    list[i].setIsPrefix(isPrefix);
    list[i].setAccess(access);
  }
}

}  // namespace

Settings readCeiling(const std::vector<File>& files) {
  // Twice: any file may choose the profile, and all of them are read over it.
  Settings first(ceilingKeys());
  for (const File& file : files) first.read(file.name, file.text);
  const std::string& profile = oneOf(first.at("profile"), {"baseline", "restricted", "permissive"});
  Settings settings(ceilingKeys());
  settings.read("profile " + profile, std::string(profileText(profile)));
  for (const File& file : files) settings.read(file.name, file.text);
  return settings;
}

void writeCeiling(const Settings& settings, schema::Ceiling::Builder ceiling) {
  auto count = [](const std::vector<std::string>& texts) { return static_cast<unsigned>(texts.size()); };
  auto flag = [&settings](std::string_view key) { return settings.at(key).flag(); };
  ceiling.setProfile(settings.at("profile").text());
  ceiling.setPrivileged(flag("privileged"));
  ceiling.setHostNetwork(flag("host_network"));
  ceiling.setHostPid(flag("host_pid"));
  ceiling.setHostIpc(flag("host_ipc"));
  ceiling.setHostPorts(flag("host_ports"));
  ceiling.setSeccompUnconfined(flag("seccomp_unconfined"));
  ceiling.setRootUser(flag("root_user"));
  ceiling.setNewPrivileges(flag("new_privileges"));
  ceiling.setUnmaskedPaths(flag("unmasked_paths"));
  ceiling.setTargetPid(flag("target_pid"));
  ceiling.setMinOomScoreAdj(static_cast<std::int32_t>(settings.at("min_oom_score_adj").number(-1000, 1000)));

  const auto& sources = absolutePaths(settings.at("bind_sources"));
  fill(ceiling.initBindSources(count(sources)), sources);
  const auto& readOnly = absolutePaths(settings.at("bind_sources_read_only"));
  fill(ceiling.initBindSourcesReadOnly(count(readOnly)), readOnly);
  const auto& propagation = propagations(settings.at("propagation"));
  fill(ceiling.initPropagation(count(propagation)), propagation);
  auto capabilities = capabilityNames(settings.at("capabilities"));
  fill(ceiling.initCapabilities(count(capabilities)), capabilities);
  const auto& parents = absolutePaths(settings.at("cgroup_parents"));
  fill(ceiling.initCgroupParents(count(parents)), parents);
  const auto& roots = absolutePaths(settings.at("log_roots"));
  fill(ceiling.initLogRoots(count(roots)), roots);
  const auto& parameters = sysctls(settings.at("sysctls"));
  fill(ceiling.initSysctls(count(parameters)), parameters);
  writeDevices(settings.at("devices"), ceiling);
  const auto& profiles = absolutePaths(settings.at("seccomp_roots"));
  fill(ceiling.initSeccompRoots(count(profiles)), profiles);
  const auto& handlers = settings.at("runtime_handlers").texts();
  fill(ceiling.initRuntimeHandlers(count(handlers)), handlers);
}

}  // namespace bulkhead::config
