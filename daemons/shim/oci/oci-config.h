// The OCI document of one container (runtime-spec 1.0.2, config.md and config-linux.md), written from values
// that the ceiling has already admitted. Pure: no system call, nothing of the host is looked at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/shim/oci/json-writer.h"
#include "ipc/schema/common.capnp.h"
#include "ipc/schema/launch.capnp.h"
#include "ipc/schema/seccomp.capnp.h"

namespace bulkhead::oci {

// A bind mount whose source is a path that the launcher made in the private stage.
struct BindMount {
  std::string source;
  std::string destination;
  bool readOnly = false;
  std::string propagation;                // rprivate, rslave, rshared
  std::vector<std::string> restrictions;  // nosuid, nodev, noexec: our own /dev/shm, an image
};

// A device of the host, as it was opened.
struct Device {
  std::string path;  // in the container
  bool block = false;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned mode = 0;  // permissions
  unsigned uid = 0;
  unsigned gid = 0;
  std::string access;  // of "rwm"
};

// What the container gets that is not in its spec, or that the host cannot give in full.
struct Grants {
  std::vector<std::string> capabilities;    // those of the spec that the launcher holds itself
  std::vector<std::string> ambient;         // of these, what a user other than root keeps
  std::optional<std::int64_t> oomScoreAdj;  // clamped to what the launcher may set
  std::string cgroupsPath;
  std::string networkNamespace;  // paths of pins; empty: the host's
  std::string ipcNamespace;
  std::string utsNamespace;
  std::string pidNamespace;  // empty: a new one, or the host's if the spec says so
  bool cgroupV2 = false;
  bool swapAccounting = false;
  bool hugetlb = false;  // huge pages are counted here
  capnp::List<schema::KeyValue>::Reader sysctls;
  std::vector<Device> devices;
  bool defaultSeccomp = false;                            // the filter of our own
  std::optional<schema::SeccompProfile::Reader> seccomp;  // or this, checked
  std::vector<BindMount> binds;                           // replaces a default mount of the same destination
};

// config.json.
std::string configDocument(schema::ContainerSpec::Reader spec, const Grants& grants);

// The document for `runtime exec --process`: the container's own process with other arguments, and with or
// without a terminal.
std::string processDocument(schema::ContainerSpec::Reader spec, const Grants& grants,
                            capnp::List<capnp::Data>::Reader arguments, bool terminal);

}  // namespace bulkhead::oci
