// A job: one request for a worker, after everything in it has been parsed and checked again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/jail/privileges.h"
#include "daemons/common/jail/view.h"
#include "daemons/storaged/drivers/driver.h"
#include "daemons/storaged/drivers/project-quota.h"
#include "daemons/storaged/overlay/image-root.h"
#include "ipc/packet.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::zygote {

// What the configuration allows one layer to be, unpacked; the workers hold to it.
struct LayerLimits {
  std::uint64_t bytes = 0;
  std::uint64_t entries = 0;
  std::string deviceNodes = "refuse";  // or "allow"
};

struct Job {
  jail::Process role;
  // What the worker's own process does first, since it may wait for the disk. May fill the next two.
  std::function<void(Job&)> prepare;
  Fd mount;  // the root of its cell, detached, none once entered; or, for a cell of several mounts,
  std::vector<jail::Piece> pieces;     // what is in it
  std::vector<std::string> arguments;  // for the worker's role
  Fd input;
  Fd output;
  Fd result;
  Fd log;
  std::optional<drivers::ProjectUsage> counted;  // the answer, where there is nothing left to measure
};

// Whether the role's program is linked to shared libraries: they are the host's, so it is started in the
// host's mount namespace, with the cell as a descriptor, and enters it before it reads a byte
// (worker/start.h).
bool loadsLibraries(jail::Process role);

// Refuses a name that is none and a descriptor that is not an end of a pipe, open the right way round: what
// else a worker of root's held, it could change. Throws SystemError if what the request names is not in the
// store.
Outcome<Job> parseJob(const schema::WorkerRequest::Reader& request, ipc::Packet& packet,
                      const overlay::Stores& stores, int trust, Driver driver, const LayerLimits& limits);

}  // namespace bulkhead::zygote
