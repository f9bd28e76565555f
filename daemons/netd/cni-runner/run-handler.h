// One plugin run, from the received packet to the answer; executed in a process of its own.
#pragma once

#include "daemons/netd/cni-runner/plugin-environment.h"
#include "daemons/netd/cni-runner/plugin-group.h"
#include "ipc/packet.h"

namespace bulkhead::cni {

// Checks the request and its four descriptors, runs the plugin, answers with one PluginEnd on the fourth.
// Runs about one pod wait for each other (CNI specification, section 2: no parallel operations on one
// container), also those of an earlier netd. An ADD whose caller went away is killed, since that caller owes
// a DEL; every other command is finished.
//
// `group` is what the runner kills should this process be killed.
void handleRun(ipc::Packet packet, PluginGroup& group, const Places& places);

}  // namespace bulkhead::cni
