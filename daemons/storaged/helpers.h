// The two privileged helpers, started while this process is still root: the zygote, which makes workers, and
// the mounter. Both end when our end of their socket closes; we end when theirs does.
#pragma once

#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/additional-stores.h"
#include "daemons/storaged/driver-choice.h"
#include "ipc/schema/config.capnp.h"

namespace bulkhead::storaged {

struct Helpers {
  Fd zygote;   // SEQPACKET, WorkerRequests go here
  Fd mounter;  // SEQPACKET, LayersQuestions come here
};

// Takes the "mounter" listener out of `start`, and the directories out of `additional`; the store is
// prepared. Throws SystemError.
Helpers startHelpers(jail::Start& start, schema::Config::Reader config, Driver driver,
                     std::vector<AdditionalStore>& additional);

// Has a mounter try the drivers on the store's file system: with what it holds, in its own namespace. Throws
// std::runtime_error if it does not say.
DriversFound probeDrivers(const jail::Start& start);

}  // namespace bulkhead::storaged
