// netd's side of netns-helper.
#pragma once

#include <deque>
#include <vector>

#include "daemons/common/base/ids.h"
#include "daemons/netd/helper-channel.h"
#include "ipc/schema/netns.capnp.h"

namespace bulkhead::netd {

class NetnsClient {
 public:
  NetnsClient(kj::UnixEventPort& port, Fd control);

  // As ipc/schema/netns.capnp says. Requests are answered in the order they were made.
  kj::Promise<Outcome<void>> make(const PodId& pod);
  kj::Promise<Outcome<void>> remove(const PodId& pod);
  kj::Promise<std::vector<PodId>> list();
  kj::Promise<Outcome<Fd>> watch(const PodId& pod);
  struct Forward {
    PodId pod;
    std::uint16_t port;
    bool ofNode;
    Fd connection;
  };
  kj::Promise<Outcome<void>> forward(Forward wanted);

  // Delivers answers; call it once. Rejects when the helper has ended: netd then ends as well.
  kj::Promise<void> serve();

 private:
  kj::Promise<ipc::Packet> exchange(kj::Own<capnp::MallocMessageBuilder> message, std::vector<Fd> fds = {});
  void deliver(ipc::Packet packet);

  HelperChannel channel_;
  std::deque<kj::Own<kj::PromiseFulfiller<ipc::Packet>>> waiting_;
};

}  // namespace bulkhead::netd
