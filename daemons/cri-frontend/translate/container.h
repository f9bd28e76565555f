// A CRI container config over its image as checked values, and those as the launcher's message.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemons/common/base/ids.h"
#include "daemons/cri-frontend/peers/storaged-client.h"
#include "daemons/cri-frontend/translate/capabilities.h"
#include "daemons/cri-frontend/translate/namespaces.h"
#include "daemons/cri-frontend/translate/profiles.h"
#include "daemons/cri-frontend/translate/user.h"
#include "ipc/schema/config.capnp.h"
#include "ipc/schema/launch.capnp.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

struct MountPlan {
  enum class Origin { host, image, volume } origin = Origin::host;
  std::string source;
  std::string destination;
  bool readOnly = false;
  bool recursiveReadOnly = false;
  schema::Mount::Propagation propagation = schema::Mount::Propagation::PRIVATE;
  // Of an image: its name as asked, for storaged; its id, once that is known; and a path in it.
  std::string imageName, subPath;
  std::optional<ImageId> image;
};

struct DevicePlan {
  std::string source;  // a device of the node's, or a directory of some
  std::string destination;
  std::string access;  // of "rwm"
};

struct ResourcePlan {
  // 0 or empty: not set.
  int64_t cpuPeriod = 0, cpuQuota = 0, cpuShares = 0;
  int64_t memoryLimit = 0, swapLimit = 0;
  int64_t oomScoreAdj = 0;
  bool hasOomScoreAdj = false;
  std::string cpusetCpus, cpusetMems;
  std::vector<std::pair<std::string, uint64_t>> hugepageLimits;  // by size
  std::vector<std::pair<std::string, std::string>> unified;
};

struct ContainerPlan {
  std::vector<std::string> args, env;
  std::string workingDirectory;
  User user;
  Capabilities capabilities;
  bool noNewPrivileges = false, readOnlyRoot = false, privileged = false, tty = false, stdin = false;
  std::vector<std::string> maskedPaths, readOnlyPaths;
  std::vector<MountPlan> mounts;         // config.mounts in their order, then anonymous volumes
  std::vector<std::string> directories;  // to be made in the root
  std::vector<DevicePlan> devices;
  SeccompChoice seccomp;
  ResourcePlan resources;
  Namespaces namespaces;
  std::string logPath;  // relative to the pod's log directory; empty: no log
  uint8_t stopSignal = 0;
};

// What can be said before anything is looked up: metadata and the image's name. Answers the latter for
// storaged.
Outcome<std::string> checkContainer(const ::runtime::v1::ContainerConfig& config);

// `pod` is the config that the pod was made with, `hostname` what its processes see. Refuses what is
// malformed, and what this version does not act on, naming the field. The plan's user is left for combine().
Outcome<ContainerPlan> translateContainer(const ::runtime::v1::ContainerConfig& config,
                                          const ::runtime::v1::PodSandboxConfig& pod,
                                          const std::string& hostname, const StoredImage& image,
                                          schema::ImageVolumes imageVolumes);

void describe(schema::ContainerSpec::Builder to, const ContainerId& id, const PodId& pod,
              const ContainerPlan& plan);

// Parts of translateContainer, in files of their own.
std::vector<DevicePlan> translateDevices(const ::runtime::v1::ContainerConfig& config, FirstRefusal& no);
std::vector<MountPlan> translateMounts(const ::runtime::v1::ContainerConfig& config, FirstRefusal& no);
// Adds the VOLUMEs of the image, as the configuration wants them, where nothing is mounted by the request
// itself. Paths are cleaned as the kernel would walk them from the container's root; none may be in /proc,
// /sys or /dev (CVE-2019-16884).
void addImageVolumes(const std::vector<std::string>& volumes, schema::ImageVolumes wanted,
                     ContainerPlan& plan, FirstRefusal& no);
ResourcePlan translateResources(const ::runtime::v1::LinuxContainerConfig& config, FirstRefusal& no);
void describe(schema::Resources::Builder to, const ResourcePlan& plan);

// Of an UpdateContainerResources; what is zero or empty in it stays as it is.
Outcome<ResourcePlan> translateUpdate(const ::runtime::v1::LinuxContainerResources& asked);
// The same over what the container was created with, for its status.
void mergeResources(const ::runtime::v1::LinuxContainerResources& update,
                    ::runtime::v1::LinuxContainerResources& into);

}  // namespace bulkhead::cri
