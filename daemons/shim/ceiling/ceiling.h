// The ceiling: what this node will ever grant (ARCHITECTURE.md). Pure functions on typed values; they
// look at the request, the pod as we recorded it, and root's configuration, and at nothing else. What is not
// listed is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/error.h"
#include "ipc/schema/config.capnp.h"
#include "ipc/schema/launch.capnp.h"
#include "ipc/schema/seccomp.capnp.h"

namespace bulkhead::ceiling {

// Refusals name the field of PodSpec or ContainerSpec. Ids are parsed by the caller.
Outcome<void> checkPod(schema::PodSpec::Reader pod, schema::Config::Reader config);
Outcome<void> checkContainer(schema::ContainerSpec::Reader spec, schema::PodSpec::Reader pod,
                             schema::Config::Reader config);
// The part of it that holds for an update too, of the container's limits as they would then be.
Outcome<void> checkResources(schema::Resources::Reader resources, schema::Config::Reader config);
// The parts of it that have to hold again for the place that an image's symbolic links make of a path;
// absolute, without "..".
Outcome<void> checkWorkingDirectory(std::string_view directory);
Outcome<void> checkDestination(std::string_view place, bool privileged, const std::string& field);
// A directory that an image wants to be there (CVE-2019-16884: a volume over /proc).
Outcome<void> checkImageDirectory(std::string_view place, const std::string& field);
// The arguments of a container's or an exec's process.
Outcome<void> checkArguments(capnp::List<capnp::Data>::Reader arguments, const std::string& field);

// Is `id` a uid or gid of one of Bulkhead's own processes? Such a process would pass for ours at a socket.
bool isOurIdentity(std::uint32_t id, schema::Identities::Reader identities);

// Devices (devices.cc), and a pod's kernel parameters (sysctls.cc): the parts of the two above that speak of
// them.
Outcome<void> checkDevices(schema::ContainerSpec::Reader spec);
Outcome<void> checkSysctls(schema::PodSpec::Reader pod, schema::Ceiling::Reader ceiling);
// Seccomp (seccomp.cc): what a container asks for, and the profile that it named once that is read. Where a
// profile may lie is judged by the launcher, by its real path.
Outcome<void> checkSeccomp(schema::ContainerSpec::Reader spec, schema::Ceiling::Reader ceiling);
Outcome<void> judgeSeccomp(schema::SeccompProfile::Reader profile, schema::Ceiling::Reader ceiling,
                           const std::string& field);
// Judges a device by its real path on the host.
Outcome<void> judgeDevice(std::string_view realPath, std::string_view access,
                          capnp::List<schema::DeviceRule>::Reader rules, const std::string& field);
// permissionDenied: "… is not allowed on this node".
tl::unexpected<Refusal> above(std::string field, const std::string& what);

// What bind sources are judged by; every path as parseHostPath gives it, with symlinks resolved.
struct BindRules {
  std::vector<std::string> writable;   // ceiling bindSources
  std::vector<std::string> readOnly;   // ceiling bindSourcesReadOnly
  std::vector<std::string> forbidden;  // Bulkhead's, CNI's, the runtimes' own; /proc, /sys, /dev
  bool permissive = false;  // the profile: then the rule "/" also admits parents of forbidden paths
};

struct BindGrant {
  bool recursiveReadOnly = false;  // submounts are made read-only too, asked or not
};

// Judges the opened source by its real path. A forbidden path needs a rule that names it or something beneath
// it that contains the source; a writable parent of one needs a rule that names exactly that parent.
Outcome<BindGrant> judgeBind(std::string_view realPath, bool readOnly, bool recursive, const BindRules& rules,
                             const std::string& field);

}  // namespace bulkhead::ceiling
