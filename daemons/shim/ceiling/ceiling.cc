#include "daemons/shim/ceiling/ceiling.h"

#include <algorithm>
#include <climits>

#include "daemons/common/base/ids.h"
#include "daemons/common/jail/privileges.h"
#include "daemons/shim/ceiling/host-path.h"
#include "daemons/shim/oci/json-writer.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::ceiling {
namespace {

using ipc::toString;
using schema::Namespace;

struct Request {
  schema::ContainerSpec::Reader spec;
  schema::PodSpec::Reader pod;
  schema::Config::Reader config;
};

std::string indexed(const char* list, size_t index, const char* member = "") {
  return std::string(list) + "[" + std::to_string(index) + "]" + member;
}

bool contains(capnp::List<capnp::Text>::Reader list, std::string_view text) {
  for (auto each : list) {
    if (toString(each) == text) return true;
  }
  return false;
}

bool beneathAny(std::string_view path, capnp::List<capnp::Text>::Reader prefixes) {
  for (auto each : prefixes) {
    if (isBeneath(path, toString(each))) return true;
  }
  return false;
}

Outcome<void> checkHostname(std::string_view name) {
  constexpr size_t longest = 64;  // HOST_NAME_MAX
  auto odd = [](char c) {
    return !(std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.');
  };
  if (name.size() > longest) return invalid("hostname", "is longer than 64 bytes");
  if (std::any_of(name.begin(), name.end(), odd)) return invalid("hostname", "is not a host name");
  return {};
}

// One word each: they become lines of resolv.conf.
Outcome<void> checkDns(schema::Dns::Reader dns) {
  constexpr size_t most = 64;
  constexpr size_t longest = 255;  // a DNS name
  for (auto [field, list] : {std::pair{"dns.servers", dns.getServers()},
                             {"dns.searches", dns.getSearches()},
                             {"dns.options", dns.getOptions()}}) {
    if (list.size() > most) return invalid(field, "has more than 64 entries");
    for (auto entry : list) {
      std::string word = toString(entry);
      bool odd = std::any_of(word.begin(), word.end(), [](char c) { return c <= ' ' || c == 0x7f; });
      if (word.empty() || word.size() > longest || odd)
        return invalid(field, "has an entry that is not one word");
    }
  }
  return {};
}

constexpr std::ptrdiff_t deepestGroup = 16;

Outcome<void> checkPodPlaces(schema::PodSpec::Reader pod, schema::Ceiling::Reader ceiling) {
  if (pod.getCgroupParent().size() > 0) {
    auto parent = parseHostPath(toString(pod.getCgroupParent()), "cgroupParent");
    if (!parent) return tl::unexpected(parent.error());
    if (!oci::isUtf8Text(*parent)) return invalid("cgroupParent", "is not UTF-8");
    if (std::count(parent->begin(), parent->end(), '/') > deepestGroup)
      return invalid("cgroupParent", "has more than 16 components");
    if (!beneathAny(*parent, ceiling.getCgroupParents())) return above("cgroupParent", "this control group");
  }
  if (pod.getLogDirectory().size() > 0) {
    auto logs = parseHostPath(toString(pod.getLogDirectory()), "logDirectory");
    if (!logs) return tl::unexpected(logs.error());
    if (!beneathAny(*logs, ceiling.getLogRoots())) return above("logDirectory", "this log directory");
  }
  return {};
}

Outcome<void> checkHandler(std::string_view handler, schema::Config::Reader config) {
  if (handler.empty()) return {};
  bool known = false;
  for (auto runtime : config.getRuntimes()) known = known || toString(runtime.getName()) == handler;
  if (!known) return invalid("runtimeHandler", "is not a configured runtime");
  auto allowed = config.getCeiling().getRuntimeHandlers();
  if (!contains(allowed, "*") && !contains(allowed, handler))
    return above("runtimeHandler", "this runtime handler");
  return {};
}

Outcome<void> checkStrings(capnp::List<capnp::Data>::Reader list, const char* field, size_t& total) {
  for (size_t i = 0; i < list.size(); ++i) {
    total += list[i].size() + 1;
    if (list[i].size() >= limits::argument) return invalid(indexed(field, i), "is too long (128 KiB)");
  }
  return {};
}

Outcome<void> checkProcess(const Request& r) {
  if (r.spec.getArgs().size() == 0) return invalid("args", "is empty");
  if (auto ok = checkArguments(r.spec.getArgs(), "args"); !ok) return ok;
  if (auto ok = checkArguments(r.spec.getEnv(), "env"); !ok) return ok;
  auto env = r.spec.getEnv();
  for (size_t i = 0; i < env.size(); ++i) {
    size_t equals = toString(env[i]).find('=');
    if (equals == 0 || equals == std::string::npos) return invalid(indexed("env", i), "is not NAME=value");
  }
  if (r.spec.getWorkingDirectory().size() > 0) {
    auto directory = parseHostPath(toString(r.spec.getWorkingDirectory()), "workingDirectory");
    if (!directory) return tl::unexpected(directory.error());
    if (!oci::isUtf8Text(*directory)) return invalid("workingDirectory", "is not UTF-8");
    if (auto ok = checkWorkingDirectory(*directory); !ok) return ok;
  }
  return {};
}

Outcome<void> checkUser(const Request& r) {
  constexpr size_t mostGroups = 65536;  // NGROUPS_MAX
  auto identities = r.config.getIdentities();
  if (r.spec.getGroups().size() > mostGroups) return invalid("groups", "has too many entries");
  // -1 means "leave as it is" to the system calls that set ids.
  if (r.spec.getUid() == UINT32_MAX) return invalid("uid", "is not a user id");
  if (r.spec.getGid() == UINT32_MAX) return invalid("gid", "is not a group id");
  if (isOurIdentity(r.spec.getUid(), identities)) return above("uid", "the user id of a Bulkhead process");
  if (isOurIdentity(r.spec.getGid(), identities)) return above("gid", "the group id of a Bulkhead process");
  for (std::uint32_t group : r.spec.getGroups()) {
    if (group == UINT32_MAX) return invalid("groups", "has an entry that is not a group id");
    if (isOurIdentity(group, identities)) return above("groups", "the group id of a Bulkhead process");
  }
  if (r.spec.getUid() == 0 && !r.config.getCeiling().getRootUser()) return above("uid", "running as root");
  return {};
}

Outcome<void> checkNamespaces(const Request& r) {
  if (r.spec.getPid() > Namespace::NODE) return invalid("pid", "is not pod, container or node");
  if (r.spec.getPid() == Namespace::POD && r.pod.getPid() != Namespace::POD)
    return invalid("pid", "is the pod's, which has none for all its containers");
  if (r.spec.getPidTarget().size() > 0) {
    if (r.spec.getPid() != Namespace::CONTAINER) return invalid("pidTarget", "is set, and so is pid");
    if (!r.config.getCeiling().getTargetPid()) return above("pidTarget", "another container's PID namespace");
  }
  if (r.spec.getPid() == Namespace::NODE) {
    if (r.pod.getPid() != Namespace::NODE) return invalid("pid", "is the node's, but the pod's is not");
    if (!r.config.getCeiling().getHostPid()) return above("pid", "the host's PID namespace");
  }
  return {};
}

Outcome<void> checkPrivilege(const Request& r) {
  auto ceiling = r.config.getCeiling();
  if (r.spec.getPrivileged()) {
    if (!r.pod.getPrivileged()) return invalid("privileged", "is set, but the pod is not privileged");
    if (!ceiling.getPrivileged()) return above("privileged", "a privileged container");
    // It gets neither masked nor read-only kernel files.
    if (!ceiling.getUnmaskedPaths()) return above("privileged", "a container with unmasked kernel files");
  }
  auto capabilities = r.spec.getCapabilities();
  for (size_t i = 0; i < capabilities.size(); ++i) {
    std::string name = toString(capabilities[i]);
    bool known = false;
    for (int number = 0; number < 64 && !known; ++number)
      known = !name.empty() && jail::capabilityName(number) == name;
    if (!known) return invalid(indexed("capabilities", i), "is not a capability");
    if (!contains(ceiling.getCapabilities(), name)) return above(indexed("capabilities", i), name);
  }
  auto ambient = r.spec.getAmbientCapabilities();
  for (size_t i = 0; i < ambient.size(); ++i) {
    if (!contains(capabilities, toString(ambient[i])))
      return invalid(indexed("ambientCapabilities", i), "is not among the capabilities");
  }
  if (auto judged = checkSeccomp(r.spec, ceiling); !judged) return judged;
  if (!r.spec.getNoNewPrivileges() && !ceiling.getNewPrivileges()) {
    return above("noNewPrivileges", "gaining privileges by executing a file");
  }
  return {};
}

const char* propagationName(schema::Mount::Propagation propagation) {
  switch (propagation) {
    case schema::Mount::Propagation::PRIVATE:
      return "private";
    case schema::Mount::Propagation::HOST_TO_CONTAINER:
      return "host-to-container";
    case schema::Mount::Propagation::BIDIRECTIONAL:
      return "bidirectional";
  }
  return "";
}

// What is mounted from the store is nobody's but the container's: only binds have a ceiling of their own.
Outcome<void> checkOrigin(schema::Mount::Reader mount, size_t i) {
  if (mount.isBind()) {
    auto source = parseHostPath(toString(mount.getSource()), indexed("mounts", i, ".source"));
    if (!source) return tl::unexpected(source.error());
    if (mount.getSubPath().size() > 0)
      return invalid(indexed("mounts", i, ".subPath"), "is for images alone");
    return {};
  }
  if (!mount.isImage() && !mount.isVolume()) return invalid(indexed("mounts", i), "is of an unknown kind");
  if (mount.getSource().size() > 0) return invalid(indexed("mounts", i, ".source"), "is for binds alone");
  if (mount.getPropagation() != schema::Mount::Propagation::PRIVATE)
    return invalid(indexed("mounts", i, ".propagation"), "is not private");
  if (mount.isVolume()) return {};
  auto image = ImageId::parse(toString(mount.getImage()), indexed("mounts", i, ".image"));
  if (!image) return tl::unexpected(image.error());
  if (mount.getSubPath().size() >= PATH_MAX)
    return invalid(indexed("mounts", i, ".subPath"), "is too long for a path");
  return mount.getReadOnly() ? Outcome<void>() : invalid(indexed("mounts", i, ".readOnly"), "is not set");
}

Outcome<void> checkMounts(const Request& r) {
  auto mounts = r.spec.getMounts();
  if (mounts.size() > limits::mounts) return invalid("mounts", "has too many entries");
  for (size_t i = 0; i < mounts.size(); ++i) {
    if (auto ok = checkOrigin(mounts[i], i); !ok) return ok;
    std::string field = indexed("mounts", i, ".destination");
    auto destination = parseHostPath(toString(mounts[i].getDestination()), field);
    if (!destination) return tl::unexpected(destination.error());
    if (!oci::isUtf8Text(*destination)) return invalid(field, "is not UTF-8");
    if (auto ok = checkDestination(*destination, r.spec.getPrivileged(), field); !ok) return ok;
    bool alone = mounts[i].getReadOnly() && mounts[i].getPropagation() == schema::Mount::Propagation::PRIVATE;
    if (mounts[i].getRecursiveReadOnly() && !alone) {
      return invalid(indexed("mounts", i, ".recursiveReadOnly"), "needs readOnly and private propagation");
    }
    std::string propagation = propagationName(mounts[i].getPropagation());
    if (propagation != "private" && !contains(r.config.getCeiling().getPropagation(), propagation)) {
      return above(indexed("mounts", i, ".propagation"), "this mount propagation");
    }
  }
  for (auto [field, list] : {std::pair{"maskedPaths", r.spec.getMaskedPaths()},
                             {"readOnlyPaths", r.spec.getReadOnlyPaths()},
                             {"directories", r.spec.getDirectories()}}) {
    if (list.size() > limits::mounts) return invalid(field, "has too many entries");
    for (auto path : list) {
      auto parsed = parseHostPath(toString(path), field);
      if (!parsed) return tl::unexpected(parsed.error());
      if (!oci::isUtf8Text(*parsed)) return invalid(field, "is not UTF-8");
    }
  }
  return {};
}

Outcome<void> checkLimits(const Request& r) {
  return checkResources(r.spec.getResources(), r.config);
}

Outcome<void> checkLogPath(const Request& r) {
  std::string path = toString(r.spec.getLogPath());
  if (path.empty()) return {};
  if (path[0] == '/') return invalid("logPath", "is not relative to the pod's log directory");
  if (r.pod.getLogDirectory().size() == 0)
    return invalid("logPath", "is set, but the pod has no log directory");
  auto parsed = parseHostPath("/" + path, "logPath");
  return parsed && *parsed != "/" + path ? invalid("logPath", "is not a plain relative path")
                                         : parsed.map([](const std::string&) {});
}

}  // namespace

tl::unexpected<Refusal> above(std::string field, const std::string& what) {
  return refuse(Code::permissionDenied, std::move(field),
                what + " is not allowed on this node (ceiling.toml)");
}

Outcome<void> checkPod(schema::PodSpec::Reader pod, schema::Config::Reader config) {
  auto ceiling = config.getCeiling();
  for (auto [field, mode, allowed] : {std::tuple{"network", pod.getNetwork(), ceiling.getHostNetwork()},
                                      {"ipc", pod.getIpc(), ceiling.getHostIpc()},
                                      {"pid", pod.getPid(), ceiling.getHostPid()}}) {
    if (mode == Namespace::NODE && !allowed)
      return above(field, std::string("the host's ") + field + " namespace");
  }
  if (pod.getNetwork() != Namespace::POD && pod.getNetwork() != Namespace::NODE)
    return invalid("network", "is not pod or node");
  if (pod.getIpc() != Namespace::POD && pod.getIpc() != Namespace::NODE)
    return invalid("ipc", "is not pod or node");
  if (pod.getPid() > Namespace::NODE) return invalid("pid", "is not pod, container or node");
  if (pod.getPrivileged() && !ceiling.getPrivileged()) return above("privileged", "a privileged pod");
  if (auto ok = checkHostname(toString(pod.getHostname())); !ok) return ok;
  if (auto ok = checkDns(pod.getDns()); !ok) return ok;
  if (auto ok = checkPodPlaces(pod, ceiling); !ok) return ok;
  if (auto ok = checkSysctls(pod, ceiling); !ok) return ok;
  return checkHandler(toString(pod.getRuntimeHandler()), config);
}

Outcome<void> checkWorkingDirectory(std::string_view directory) {
  // CVE-2024-21626: a leaked descriptor is reachable through /proc/self/fd.
  if (isBeneath(directory, "/proc")) return invalid("workingDirectory", "is beneath /proc");
  return {};
}

Outcome<void> checkDestination(std::string_view place, bool privileged, const std::string& field) {
  if (place == "/" || isBeneath(place, "/proc")) return invalid(field, "is '/' or beneath /proc");
  // CVE-2025-31133: runc masks paths with what it finds as the container's /dev/null.
  bool device = place == "/dev" || place == "/dev/null" || isBeneath(place, "/dev/pts");
  if (device && !privileged) return invalid(field, "hides the container's own devices");
  return {};
}

Outcome<void> checkImageDirectory(std::string_view place, const std::string& field) {
  bool kernels = isBeneath(place, "/proc") || isBeneath(place, "/sys") || isBeneath(place, "/dev");
  if (place == "/" || kernels) return invalid(field, "is '/', or in /proc, /sys or /dev");
  return {};
}

Outcome<void> checkContainer(schema::ContainerSpec::Reader spec, schema::PodSpec::Reader pod,
                             schema::Config::Reader config) {
  Request request{spec, pod, config};
  for (auto* check :
       {checkProcess, checkUser, checkNamespaces, checkPrivilege, checkMounts, checkLimits, checkLogPath}) {
    if (auto ok = check(request); !ok) return ok;
  }
  return checkDevices(spec);
}

Outcome<void> checkArguments(capnp::List<capnp::Data>::Reader arguments, const std::string& field) {
  size_t total = 0;
  if (auto ok = checkStrings(arguments, field.c_str(), total); !ok) return ok;
  if (total > limits::argumentsTotal) return invalid(field, "is longer than 2 MiB in all");
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!oci::isUtf8Text(toString(arguments[i])))
      return invalid(indexed(field.c_str(), i), "is not UTF-8 text");
  }
  return {};
}

bool isOurIdentity(std::uint32_t id, schema::Identities::Reader i) {
  for (std::uint32_t own :
       {i.getCriUid(), i.getCriGid(), i.getImageUid(), i.getImageGid(), i.getStorageUid(), i.getStorageGid(),
        i.getNetUid(), i.getNetGid(), i.getReaderUid(), i.getReaderGid(), i.getSocketGid()}) {
    // The CRI socket's group may be root's, which is not an account of ours.
    if (id == own && id != 0) return true;
  }
  return id >= i.getShimBase() && id - i.getShimBase() < i.getShimCount();
}

Outcome<BindGrant> judgeBind(std::string_view realPath, bool readOnly, bool recursive, const BindRules& rules,
                             const std::string& field) {
  bool insideForbidden = false;
  auto admits = [&](const std::string& rule, bool writes) {
    if (!isBeneath(realPath, rule)) return false;
    return std::all_of(rules.forbidden.begin(), rules.forbidden.end(), [&](const std::string& own) {
      if (isBeneath(realPath, own)) {
        insideForbidden = true;
        return isBeneath(rule, own);
      }
      if (!writes || !isBeneath(own, realPath)) return true;
      insideForbidden = true;
      return rule == realPath || (rule == "/" && rules.permissive);
    });
  };
  // Without recursion, what is mounted beneath the source stays writable.
  bool writes = !(readOnly && recursive);
  for (const std::string& rule : rules.writable) {
    if (admits(rule, writes)) return BindGrant{readOnly && recursive};
  }
  for (const std::string& rule : rules.readOnly) {
    if (readOnly && admits(rule, false)) return BindGrant{true};
  }
  if (insideForbidden) {
    return above(field,
                 "a directory of Bulkhead's, CNI's, an OCI runtime's or the kernel's, or one above it,");
  }
  return above(field, "this bind source");
}

}  // namespace bulkhead::ceiling
