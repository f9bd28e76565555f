// The verb countFiles of the launcher.
#pragma once

#include "daemons/shim/record/pod-records.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::files {

// Takes no lock: a container that is being made or deleted is counted as it is at this moment.
void countFiles(const record::Pods& pods, capnp::List<capnp::Text>::Reader ids,
                schema::LaunchReply::Builder reply);

}  // namespace bulkhead::files
