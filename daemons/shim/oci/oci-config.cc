#include "daemons/shim/oci/oci-config.h"

#include <algorithm>
#include <array>

#include "daemons/shim/oci/seccomp-default.h"
#include "daemons/shim/oci/seccomp-profile.h"
#include "ipc/convert.h"

namespace bulkhead::oci {
namespace {

using ipc::toString;
using Texts = std::vector<std::string>;

struct DefaultMount {
  const char* destination;
  const char* type;
  const char* source;
  Texts options;
};

// As containerd and CRI-O give them (runtime-spec, config-linux.md, "Default Filesystems").
std::vector<DefaultMount> defaultMounts(bool privileged) {
  std::string access = privileged ? "rw" : "ro";
  return {
      {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      {"/dev/pts",
       "devpts",
       "devpts",
       {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
      {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
      {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access}},
      {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", access}},
  };
}

const Texts& defaultMasked() {
  static const Texts paths{"/proc/acpi",        "/proc/asound",  "/proc/interrupts",
                           "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
                           "/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
                           "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap"};
  return paths;
}
const Texts& defaultReadOnly() {
  static const Texts paths{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return paths;
}

template <typename List>
Texts textsOf(List list) {
  Texts out;
  for (auto each : list) out.push_back(toString(each));
  return out;
}

Texts joined(Texts first, const Texts& second) {
  for (const std::string& each : second) {
    if (std::find(first.begin(), first.end(), each) == first.end()) first.push_back(each);
  }
  return first;
}

Texts environmentOf(schema::ContainerSpec::Reader spec) {
  Texts environment = textsOf(spec.getEnv());
  bool hasPath = std::any_of(environment.begin(), environment.end(),
                             [](auto& each) { return each.starts_with("PATH="); });
  if (!hasPath)
    environment.insert(environment.begin(),
                       "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  return environment;
}

// The primary group is listed among the additional ones too: a process could otherwise drop it to escape a
// deny-group (CVE-2022-36109).
void writeUser(JsonWriter& json, schema::ContainerSpec::Reader spec) {
  json.key("user").object().member("uid", spec.getUid()).member("gid", spec.getGid());
  json.key("additionalGids").array().number(spec.getGid());
  for (std::uint32_t group : spec.getGroups()) {
    if (group != spec.getGid()) json.number(group);
  }
  json.end().end();
}

// Inheritable stays empty (CVE-2022-29162), but for what is ambient, which the kernel wants there too
// (capabilities(7)); a user other than root gets that, and else capabilities only from files it executes.
void writeCapabilities(JsonWriter& json, schema::ContainerSpec::Reader spec, const Grants& grants) {
  const Texts& held = spec.getUid() == 0 ? grants.capabilities : grants.ambient;
  json.key("capabilities").object().member("bounding", grants.capabilities).member("effective", held);
  json.member("permitted", held)
      .member("inheritable", grants.ambient)
      .member("ambient", grants.ambient)
      .end();
}

void writeProcess(JsonWriter& json, schema::ContainerSpec::Reader spec, const Grants& grants,
                  capnp::List<capnp::Data>::Reader arguments, bool terminal) {
  std::string directory = toString(spec.getWorkingDirectory());
  json.object().member("terminal", terminal);
  writeUser(json, spec);
  Texts environment = environmentOf(spec);
  auto isTerm = [](const std::string& each) { return each.starts_with("TERM="); };
  if (terminal && std::none_of(environment.begin(), environment.end(), isTerm))
    environment.push_back("TERM=xterm");  // as in the peers: programs ask what they can do with it
  json.member("args", textsOf(arguments)).member("env", environment);
  json.member("cwd", directory.empty() ? "/" : directory);
  writeCapabilities(json, spec, grants);
  json.member("noNewPrivileges", spec.getNoNewPrivileges());
  if (grants.oomScoreAdj) json.member("oomScoreAdj", *grants.oomScoreAdj);
  json.end();
}

void writeBind(JsonWriter& json, const BindMount& bind) {
  Texts options{"rbind", bind.readOnly ? "ro" : "rw", bind.propagation};
  options.insert(options.end(), bind.restrictions.begin(), bind.restrictions.end());
  json.object().member("destination", bind.destination).member("type", "bind").member("source", bind.source);
  json.member("options", options).end();
}

// Parents before what is beneath them; otherwise in the caller's order.
void writeMounts(JsonWriter& json, bool privileged, std::vector<BindMount> binds) {
  auto depth = [](const BindMount& bind) {
    return std::count(bind.destination.begin(), bind.destination.end(), '/');
  };
  std::stable_sort(binds.begin(), binds.end(), [depth](auto& a, auto& b) { return depth(a) < depth(b); });
  json.key("mounts").array();
  for (const DefaultMount& each : defaultMounts(privileged)) {
    auto replaces = [&each](const BindMount& bind) { return bind.destination == each.destination; };
    if (std::any_of(binds.begin(), binds.end(), replaces)) continue;
    json.object()
        .member("destination", each.destination)
        .member("type", each.type)
        .member("source", each.source);
    json.member("options", each.options).end();
  }
  for (const BindMount& bind : binds) writeBind(json, bind);
  json.end();
}

void writeNamespaces(JsonWriter& json, schema::ContainerSpec::Reader spec, const Grants& grants) {
  json.key("namespaces").array().object().member("type", "mount").end();
  if (spec.getPid() != schema::Namespace::NODE && grants.pidNamespace.empty())
    json.object().member("type", "pid").end();
  if (grants.cgroupV2) json.object().member("type", "cgroup").end();
  for (auto [type, path] : {std::pair{"network", &grants.networkNamespace},
                            {"ipc", &grants.ipcNamespace},
                            {"uts", &grants.utsNamespace},
                            {"pid", &grants.pidNamespace}}) {
    if (!path->empty()) json.object().member("type", type).member("path", *path).end();
  }
  json.end();
}

void writeHugepages(JsonWriter& json, schema::Resources::Reader resources) {
  json.key("hugepageLimits").array();
  for (auto each : resources.getHugepageLimits()) {
    json.object().member("pageSize", toString(each.getSize())).member("limit", each.getLimit()).end();
  }
  json.end();
}

void writeUnified(JsonWriter& json, schema::Resources::Reader resources) {
  json.key("unified").object();
  for (auto each : resources.getUnified()) json.member(toString(each.getKey()), toString(each.getValue()));
  json.end();
}

void writeResources(JsonWriter& json, schema::ContainerSpec::Reader spec, const Grants& grants) {
  auto resources = spec.getResources();
  auto put = [&json](const char* name, std::int64_t value) {
    if (value != 0) json.member(name, value);
  };
  auto putText = [&json](const char* name, capnp::Text::Reader value) {
    if (value.size() > 0) json.member(name, toString(value));
  };
  json.key("resources").object();
  // The runtime adds the default devices (null, zero, full, random, urandom, tty, ptmx) itself.
  json.key("devices").array().object().member("allow", spec.getPrivileged()).member("access", "rwm").end();
  for (const Device& device : grants.devices) {
    json.object().member("allow", true).member("type", device.block ? "b" : "c");
    json.member("major", device.major).member("minor", device.minor).member("access", device.access).end();
  }
  json.end();
  json.key("memory").object();
  put("limit", resources.getMemoryLimit());
  if (grants.swapAccounting) put("swap", resources.getSwapLimit());
  json.end().key("cpu").object();
  put("shares", resources.getCpuShares());
  put("quota", resources.getCpuQuota());
  put("period", resources.getCpuPeriod());
  putText("cpus", resources.getCpusetCpus());
  putText("mems", resources.getCpusetMems());
  json.end();
  if (resources.getPidsLimit() > 0) json.key("pids").object().member("limit", resources.getPidsLimit()).end();
  if (grants.hugetlb && resources.getHugepageLimits().size() > 0) writeHugepages(json, resources);
  if (resources.getUnified().size() > 0) writeUnified(json, resources);
  json.end();
}

// What the runtime makes of "/" in the container's namespace must let through what single mounts ask for.
const char* rootPropagation(const std::vector<BindMount>& binds) {
  auto any = [&binds](const char* kind) {
    return std::any_of(binds.begin(), binds.end(), [kind](auto& bind) { return bind.propagation == kind; });
  };
  return any("rshared") ? "rshared" : any("rslave") ? "rslave" : "rprivate";
}

void writeDevices(JsonWriter& json, const std::vector<Device>& devices) {
  json.key("devices").array();
  for (const Device& device : devices) {
    json.object().member("path", device.path).member("type", device.block ? "b" : "c");
    json.member("major", device.major).member("minor", device.minor).member("fileMode", device.mode);
    json.member("uid", device.uid).member("gid", device.gid).end();
  }
  json.end();
}

void writeLinux(JsonWriter& json, schema::ContainerSpec::Reader spec, const Grants& grants) {
  json.key("linux").object();
  writeNamespaces(json, spec, grants);
  json.member("cgroupsPath", grants.cgroupsPath);
  writeResources(json, spec, grants);
  writeDevices(json, grants.devices);
  json.key("sysctl").object();
  for (auto sysctl : grants.sysctls) json.member(toString(sysctl.getKey()), toString(sysctl.getValue()));
  json.end();
  json.member("rootfsPropagation", rootPropagation(grants.binds));
  if (!spec.getPrivileged()) {
    json.member("maskedPaths", joined(defaultMasked(), textsOf(spec.getMaskedPaths())));
    json.member("readonlyPaths", joined(defaultReadOnly(), textsOf(spec.getReadOnlyPaths())));
  }
  if (grants.defaultSeccomp) {
    json.key("seccomp");
    writeDefaultSeccomp(json, grants.capabilities);
  }
  if (grants.seccomp) {
    json.key("seccomp");
    writeSeccomp(json, *grants.seccomp);
  }
  json.end();
}

}  // namespace

std::string configDocument(schema::ContainerSpec::Reader spec, const Grants& grants) {
  JsonWriter json;
  json.object().member("ociVersion", "1.0.2").key("process");
  writeProcess(json, spec, grants, spec.getArgs(), spec.getTty());
  json.key("root").object().member("path", "rootfs").member("readonly", spec.getReadOnlyRoot()).end();
  writeMounts(json, spec.getPrivileged(), grants.binds);
  writeLinux(json, spec, grants);
  json.end();
  return json.document();
}

std::string processDocument(schema::ContainerSpec::Reader spec, const Grants& grants,
                            capnp::List<capnp::Data>::Reader arguments, bool terminal) {
  JsonWriter json;
  writeProcess(json, spec, grants, arguments, terminal);
  return json.document();
}

}  // namespace bulkhead::oci
