// The privilege table: every process of Bulkhead and what it may do. The one statement that self-confinement,
// audit, units and SELinux policy are tested against.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bulkhead::jail {

// Whose uid and gid a process runs with; numbers come from the configuration (Identities).
enum class Identity { root, cri, image, storage, net, reader, shim };

// What sockets a process can have. `inherited` are those it was started with.
enum class Network {
  none,       // no socket calls at all: only descriptors it was born with
  unixOnly,   // AF_UNIX; in a network namespace of its own that is empty
  accepting,  // the same, and an inherited listener of the host's with what comes in through it
  outbound,   // inet in the host's network namespace
  pod,        // inet in one pod's network namespace; until then in an empty one of its own
  host,       // unrestricted: the OCI runtimes, CNI plugins and their launchers
};

enum class Process {
  configReader,
  cri,
  imaged,
  fetchZygote,  // forks fetchers and planners; holds no credential
  fetcher,
  planner,  // reads registries.conf, certs.d and auth files for one pull
  storaged,
  storageZygote,
  unpackWorker,
  eraseWorker,
  measureWorker,
  composeWorker,
  decompressWorker,
  parseWorker,
  lookupWorker,
  verifyWorker,
  mounter,
  netd,
  netnsHelper,
  portPump,  // netns-helper's child: carries one forwarded connection
  cniRunner,
  launcher,
  execMonitor,  // the launcher's handler of an exec after it dropped everything, waiting for the runtime
  shim,
  pause,  // the init of a PID namespace that a pod's containers share
};

// A set of capabilities as bits, 1 << CAP_….
using CapabilitySet = std::uint64_t;
// "All that the kernel has": for processes whose needs are the OCI runtime's. Compared with what init could
// hold.
inline constexpr CapabilitySet allCapabilities = ~CapabilitySet{0};

struct Limits {
  std::uint32_t openFiles;     // RLIMIT_NOFILE; 0: as given
  std::uint64_t addressSpace;  // RLIMIT_AS in bytes; 0: not limited
  std::uint64_t fileSize;      // RLIMIT_FSIZE in bytes; 0: not limited
  std::uint32_t cpuSeconds;    // RLIMIT_CPU; 0: not limited
};

struct Privileges {
  Process process;
  std::string_view
      name;  // "storage-zygote": at most 15 bytes; in audit, comm, log, and the policy file's name
  std::string_view program;  // the executable: "bulkhead-storaged"
  Identity identity;
  CapabilitySet capabilities;  // effective = permitted; inheritable and ambient are empty
  CapabilitySet bounding;      // what it or a child could ever regain by exec
  bool noNewPrivileges;
  bool filtered;    // seccomp allow-list policies/NAME.policy
  bool mayExecute;  // runs programs after start
  Network network;
  bool ownMountNamespace;  // sees only the mounts it needs
  bool passesOn;           // what it executes is not ours: limits, signals, oom score are reset before exec
  Limits limits;
  std::string_view connectsTo;  // space-separated names of servers it opens connections to
  std::string_view reason;      // why it needs what it has: one sentence for the auditor
};

// All rows, in the order of enum Process.
std::span<const Privileges> privilegeTable();
const Privileges& privilegesOf(Process process);

// Made by the storage zygote.
bool isStorageWorker(Process process);
// Made by who is in an empty network namespace already, and shares it: storage workers, pumps.
bool bornWithoutNetwork(Process process);

// "CAP_SYS_ADMIN" for 21; empty if unknown.
std::string_view capabilityName(int number);

}  // namespace bulkhead::jail
