// A container as the launcher remembers it, and the verbs on it; all but exec are idempotent by id.
#pragma once

#include <memory>

#include "daemons/shim/launcher/context.h"
#include "daemons/shim/launcher/oci-runtime.h"
#include "daemons/shim/launcher/pod.h"
#include "daemons/shim/oci/oci-config.h"

namespace bulkhead::launcher {

// An existing container, found by id (parsed here) and locked.
struct Container {
  ContainerId id;
  PodId podId;
  Fd podDirectory;
  Fd directory;
  std::unique_ptr<Pod> pod;
};
Outcome<Container> findContainer(const Context& context, capnp::Text::Reader id, record::Lock lock);

// The same for reading, if it runs.
Outcome<Container> findRunning(const Context& context, capnp::Text::Reader id);

// The runtime's own file (runc's and crun's exec.fifo) that is there until the container's start has
// happened.
std::string startGate(const Context& context, schema::PodRecord::Reader pod, const ContainerId& id);
// Where the container's processes are, beneath every hierarchy.
std::string cgroupOf(schema::PodRecord::Reader pod, const ContainerId& id);
// What /proc, the runtime and our records say; fills everything but the ids. With Wait::no a container that
// has ended and whose record is still being written counts as running: its monitor will tell.
enum class Wait { no, forRecord };
schema::ContainerInfo::State describeContainer(int directory, const std::string& gate,
                                               schema::ContainerInfo::Builder info, Wait wait);
schema::ContainerInfo::State fillInfo(const Context& context, const Container& container,
                                      schema::ContainerInfo::Builder info);

schema::ContainerInfo::State stateOf(const Context& context, const Container& container);

// The spec as accepted; throws if the record is missing.
ipc::Packet readSpec(int directory);

// What the spec's process gets on this host.
oci::Grants grantsFor(const Context& context, schema::PodRecord::Reader pod,
                      schema::ContainerSpec::Reader spec);

// Checks the spec against the ceiling, opens and judges what it names, and has a child create the container
// and become its monitor. The same id again answers with the container as it is; what a crash left half made
// is made anew.
Outcome<void> createContainer(const Context& context, schema::ContainerSpec::Reader spec,
                              schema::ContainerInfo::Builder reply);
Outcome<void> startContainer(const Context& context, capnp::Text::Reader id);
Outcome<void> signalContainer(const Context& context, schema::Signal::Reader signal);
// All of it or nothing, and remembered (../resources).
Outcome<void> updateContainer(const Context& context, schema::Update::Reader update);
// Kills what runs, waits for the monitor's record, removes every trace.
Outcome<void> deleteContainer(const Context& context, capnp::Text::Reader text);
// The same for one that is already locked, and perhaps half made.
Outcome<void> discardContainer(const Context& context, const Container& container);

// Starts a process inside on the caller's own pipes, or sends it its terminal (ExecSpec), then gives up every
// privilege (Process::execMonitor, the pod's shim uid; only `connection` and what waiting needs stay open)
// and waits. At the timeout the process and its group are killed. After it returns, the calling process can
// only answer and exit.
Outcome<void> execInContainer(const Context& context, schema::ExecSpec::Reader spec, std::vector<Fd> fds,
                              int connection, schema::ExecEnd::Builder reply);

}  // namespace bulkhead::launcher
