// A pod's namespaces, pinned as nsfs files so that they live without a process: ns/ipc, ns/uts, and ns/mnt, a
// mount namespace whose only mount, its root, is the pod's /dev/shm.
#pragma once

#include <string>

#include "daemons/common/base/fd.h"
#include "daemons/shim/launcher/context.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::launcher {

// The pin's path; empty if the pod uses the host's namespace of this kind.
std::string ipcPin(const Context& context, schema::PodSpec::Reader pod);
std::string utsPin(const Context& context, schema::PodSpec::Reader pod);

// Makes and pins what is not pinned yet. Throws SystemError.
void makePodNamespaces(const Context& context, schema::PodSpec::Reader pod);

// Unpins; absent is fine.
void removePodNamespaces(const Context& context, const std::string& podId);

// A detached clone of the pod's /dev/shm (the host's for a pod with the host's IPC namespace). Leaves the
// calling process, which must have one thread, in the mount namespace it came from.
Fd clonePodShm(const Context& context, schema::PodSpec::Reader pod);

// The network namespace pin that netns-helper made, checked to be one; empty for the host's.
Outcome<std::string> networkPin(const Context& context, schema::PodSpec::Reader pod);

}  // namespace bulkhead::launcher
