// NetdClient: the pod network daemon, as cri sees it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/cri-frontend/peers/calling.h"
#include "ipc/rpc.h"
#include "ipc/schema/network.capnp.h"

namespace bulkhead::cri {

struct Attachment {
  std::vector<std::string> addresses;  // literal IP addresses, the primary first
  std::string netnsPath;
};

struct NetworkStatus {
  bool ready = false;
  std::string reason;
  std::string message;
};

// What one interface of a pod has moved since it was made.
struct InterfaceCounters {
  std::string name;
  uint64_t receivedBytes = 0, receivedErrors = 0, receivedPackets = 0, receivedDropped = 0;
  uint64_t sentBytes = 0, sentErrors = 0, sentPackets = 0, sentDropped = 0;
};
using PodCounters = std::map<PodId, std::vector<InterfaceCounters>>;

class NetdClient {
 public:
  NetdClient(kj::LowLevelAsyncIoProvider& io, kj::Timer& timer, std::string socket);

  Answer<Attachment> attach(std::function<void(schema::PodNetwork::Builder)> describe);
  Answer<void> detach(const PodId& pod);
  // Pod ids that have an attachment, which may not be ours to know.
  Answer<std::map<PodId, Attachment>> list();
  Answer<NetworkStatus> status();
  // Of those of `pods` that have a network here.
  Answer<PodCounters> counters(const std::vector<PodId>& pods);
  // network.capnp, forward: `connection` is the pod's side of a pair.
  Answer<void> forward(const PodId& pod, uint16_t port, bool ofNode, Fd connection);

 private:
  kj::Timer& timer_;
  ipc::RpcPeer peer_;
};

}  // namespace bulkhead::cri
