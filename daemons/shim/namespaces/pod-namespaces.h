// A pod's namespaces, pinned as nsfs files so that they live without a process: ns/ipc, ns/uts, and ns/mnt, a
// mount namespace whose only mount, its root, is the pod's /dev/shm. Where containers share processes also
// ns/pid, which ends with its init.
#pragma once

#include <sys/types.h>

#include <string>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/layout.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::namespaces {

// What bulkhead-pause, the init of a shared PID namespace, is started with.
struct InitStart {
  int program;       // O_PATH
  uid_t uid;         // to become
  gid_t group;       // who may connect to its socket, which nobody answers: it closes when the init ends
  std::string root;  // --root, for audit
};

// The pin's path; empty if the pod uses the host's namespace of this kind (or, of processes, none of its
// own).
std::string ipcPin(const Layout& layout, schema::PodSpec::Reader pod);
std::string utsPin(const Layout& layout, schema::PodSpec::Reader pod);

// Makes and pins what is not pinned yet. `directory` is the pod's, held exclusively. Throws SystemError.
void makePodNamespaces(const Layout& layout, int directory, schema::PodSpec::Reader pod,
                       const InitStart& init);

// Ends the init, unpins; absent is fine.
void removePodNamespaces(const Layout& layout, int directory, const std::string& podId);

// The shared PID namespace's pin. Refuses failedPrecondition once its init has ended.
Outcome<std::string> processPin(const Layout& layout, int directory, schema::PodSpec::Reader pod);

// The PID namespace of a running container of the pod in `directory`. Refuses with the field pidTarget.
Outcome<Fd> processesOf(int directory, const std::string& container);

// A detached clone of the pod's /dev/shm (the host's for a pod with the host's IPC namespace). Leaves the
// calling process, which must have one thread, in the mount namespace it came from.
Fd clonePodShm(const Layout& layout, schema::PodSpec::Reader pod);

// The network namespace pin that netns-helper made, checked to be one; empty for the host's.
Outcome<std::string> networkPin(const Layout& layout, schema::PodSpec::Reader pod);

}  // namespace bulkhead::namespaces
