// The launcher's own memory, on /run: pods/POD/{pod, ns/, files/, containers/CONTAINER/{container, processes,
// started, exit}} and by-container/CONTAINER, which names the pod. Root only; every name in it is a parsed
// id. A record is written (temporary and rename) before the effect it stands for, so that whoever comes after
// a crash can undo it.
#pragma once

#include <capnp/message.h>

#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "ipc/packet.h"
#include "ipc/schema/record.capnp.h"

namespace bulkhead::record {

// Layout::podsDirectory, opened.
struct Pods {
  std::string path;
  Fd directory;
};

enum class Lock { shared, exclusive };
enum class Absent { leave, make };

// The object stayed locked for half a minute.
struct Busy : std::exception {
  [[nodiscard]] const char* what() const noexcept override { return "another request holds it"; }
};

// The object's directory, held with flock(2) until the descriptor closes: verbs on one object take turns,
// others do not wait. An invalid Fd if it does not exist (any more) and is not to be made. Throws Busy.
Fd lockPod(const Pods& pods, const PodId& id, Lock lock, Absent absent);
Fd lockContainer(int podDirectory, const ContainerId& id, Lock lock, Absent absent);

// Serialises what spans all pods, such as choosing a free uid.
Fd lockAll(const Pods& pods);

// One message as a whole file. Throws SystemError.
void writeRecord(int directory, const std::string& name, capnp::MessageBuilder& message);
// Nothing if there is none. Throws if it is not one of ours.
std::optional<ipc::Packet> readRecord(int directory, const std::string& name);

// A small file, replaced as a whole. Throws SystemError.
void writeFile(int directory, const std::string& name, std::string_view bytes, unsigned mode);

// Which pod a container belongs to; nothing if the container is unknown.
std::optional<PodId> podOf(const Pods& pods, const ContainerId& id);
// False if another pod has a container of that id. Takes lockAll.
[[nodiscard]] bool indexContainer(const Pods& pods, const ContainerId& id, const PodId& pod);
void unindexContainer(const Pods& pods, const ContainerId& id);

std::vector<PodId> listPods(const Pods& pods);
std::vector<ContainerId> listContainers(int podDirectory);

// Paths of a pod's files for mount(2) and the OCI document.
std::string podPath(const Pods& pods, const PodId& id);

}  // namespace bulkhead::record
