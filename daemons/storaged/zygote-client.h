// Workers, as storaged's main sees them: asked of the zygote over its socket, three pipes each, killed when
// dropped.
#pragma once

#include <kj/async-unix.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "ipc/packet-client.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::storaged {

class ZygoteClient;

// Ends its worker when it dies, whether or not the worker has gone by itself. Belongs to the event loop's
// thread.
class WorkerLease {
 public:
  WorkerLease() = default;
  WorkerLease(ZygoteClient& zygote, std::uint64_t number) : zygote_(&zygote), number_(number) {}
  WorkerLease(WorkerLease&& other) noexcept;
  WorkerLease& operator=(WorkerLease&& other) noexcept;
  ~WorkerLease() { end(); }

 private:
  void end();
  ZygoteClient* zygote_ = nullptr;
  std::uint64_t number_ = 0;
};

// Our ends of a worker's pipes; they may go to another thread.
struct WorkerPipes {
  Fd input;   // what we write, the worker reads; empty for a role without
  Fd output;  // the reverse
  Fd result;  // one WorkerResult; its end of stream means that the worker is gone
  Fd log;     // what it writes to stderr
};

struct Worker {
  WorkerLease lease;
  WorkerPipes pipes;
};

class ZygoteClient {
 public:
  ZygoteClient(kj::UnixEventPort& port, Fd socket);

  Worker unpack(const LayerName& layer);  // staging/LAYER exists
  Worker keep(const LayerName& layer);    // so it does here; input begins with a KeepInput
  Worker erase(const LayerName& inTrash);
  Worker measure(const ContainerId& container);
  // Fills staging/NAME, from `onto` if there is one and then from `layers`, base first; or a container's
  // directory.
  Worker composeTree(const LayerName& tree, const std::optional<LayerName>& onto,
                     const std::vector<LayerName>& layers);
  Worker composeRoot(const ContainerId& container, const std::optional<LayerName>& onto,
                     const std::vector<LayerName>& layers);
  Worker decompress(schema::WorkerRequest::Codec codec);
  Worker parse();
  Worker lookup(const std::vector<LayerName>& layers);  // of an image, topmost first
  Worker verify();

  // Rejects when the zygote is gone; resolves never. Once.
  kj::Promise<void> untilGone();

 private:
  friend class WorkerLease;
  using Request = schema::WorkerRequest::Builder;
  struct Message {
    kj::Own<capnp::MallocMessageBuilder> message;
    std::vector<Fd> fds;
  };

  Worker start(bool input, bool output, const std::function<void(Request)>& describe);
  void kill(std::uint64_t number);
  void enqueue(Message message);
  kj::Promise<void> sendQueued();

  ipc::AsyncPacketSocket socket_;
  std::uint64_t next_ = 1;
  std::deque<Message> queue_;
  bool sending_ = false;
  kj::Promise<void> sender_ = nullptr;
};

}  // namespace bulkhead::storaged
