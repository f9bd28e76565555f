#include "daemons/cri-frontend/translate/peer-fields.h"

#include <span>
#include <string_view>

namespace bulkhead::cri {
namespace {

struct Name {
  std::string_view ours;  // ipc/schema/launch.capnp, network.capnp
  std::string_view cri;   // runtime/v1/api.proto
};

constexpr Name podNames[] = {{"hostname", "config.hostname"},
                             {"cgroupParent", "config.linux.cgroup_parent"},
                             {"logDirectory", "config.log_directory"},
                             {"network", "config.linux.security_context.namespace_options.network"},
                             {"ipc", "config.linux.security_context.namespace_options.ipc"},
                             {"pid", "config.linux.security_context.namespace_options.pid"},
                             {"dns", "config.dns_config"},
                             {"runtimeHandler", "runtime_handler"},
                             {"privileged", "config.linux.security_context.privileged"},
                             {"sysctls", "config.linux.sysctls"},
                             {"portMappings", "config.port_mappings"},
                             {"annotations", "config.annotations"},
                             {"cgroupPath", "config.linux.cgroup_parent"},
                             {"name", "config.metadata.name"},
                             {"namespace", "config.metadata.namespace"},
                             {"uid", "config.metadata.uid"}};

constexpr Name containerNames[] = {
    {"podId", "pod_sandbox_id"},
    {"args", "config.command"},
    {"env", "config.envs"},
    {"workingDirectory", "config.working_dir"},
    {"uid", "config.linux.security_context.run_as_user"},
    {"gid", "config.linux.security_context.run_as_group"},
    {"groups", "config.linux.security_context.supplemental_groups"},
    {"capabilities", "config.linux.security_context.capabilities"},
    {"ambientCapabilities", "config.linux.security_context.capabilities.add_ambient_capabilities"},
    {"devices", "config.devices"},
    {"pidTarget", "config.linux.security_context.namespace_options.target_id"},
    {"noNewPrivileges", "config.linux.security_context.no_new_privs"},
    {"readOnlyRoot", "config.linux.security_context.readonly_rootfs"},
    {"privileged", "config.linux.security_context.privileged"},
    {"maskedPaths", "config.linux.security_context.masked_paths"},
    {"readOnlyPaths", "config.linux.security_context.readonly_paths"},
    {"mounts", "config.mounts"},
    {"directories", "image.config.volumes"},
    {"seccomp", "config.linux.security_context.seccomp"},
    {"seccompProfile", "config.linux.security_context.seccomp.localhost_ref"},
    {"resources", "config.linux.resources"},
    {"pid", "config.linux.security_context.namespace_options.pid"},
    {"tty", "config.tty"},
    {"stdin", "config.stdin"},
    {"logPath", "config.log_path"}};

constexpr Name callNames[] = {
    {"containerId", "container_id"}, {"podId", "pod_sandbox_id"}, {"args", "cmd"}, {"resources", "linux"}};

// Behind the first dot.
constexpr Name partNames[] = {{"access", "permissions"},
                              {"source", "host_path"},
                              {"destination", "container_path"},
                              {"subPath", "image_sub_path"},
                              {"memoryLimit", "memory_limit_in_bytes"},
                              {"swapLimit", "memory_swap_limit_in_bytes"}};

std::span<const Name> namesOf(Asked asked) {
  if (asked == Asked::pod) return podNames;
  if (asked == Asked::container) return containerNames;
  return callNames;
}

std::string snakeCase(std::string_view text) {
  std::string result;
  for (char c : text) {
    bool upper = c >= 'A' && c <= 'Z';
    if (upper) result += '_';
    result += static_cast<char>(upper ? c - 'A' + 'a' : c);
  }
  return result;
}

std::string partOf(std::string_view part) {
  for (const Name& name : partNames) {
    if (name.ours == part) return std::string(name.cri);
  }
  return snakeCase(part);
}

}  // namespace

Refusal inCriTerms(Refusal refusal, Asked asked) {
  std::string_view field = refusal.field;
  std::string_view head = field.substr(0, field.find_first_of("[."));
  for (const Name& name : namesOf(asked)) {
    if (name.ours != head) continue;
    size_t dot = field.find('.');
    std::string whole(name.cri);
    // The peer counts in the list that it was sent, which holds the image's entries and defaults too.
    bool merged = asked == Asked::container && (head == "args" || head == "env");
    if (!merged) whole += field.substr(head.size(), dot == field.npos ? field.npos : dot - head.size());
    if (dot != field.npos) whole += "." + partOf(field.substr(dot + 1));
    refusal.field = std::move(whole);
    break;
  }
  return refusal;
}

}  // namespace bulkhead::cri
