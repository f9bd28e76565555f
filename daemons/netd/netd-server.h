// The door: ipc/schema/network.capnp, Netd, on top of Attachments.
#pragma once

#include "daemons/netd/attachments.h"
#include "daemons/netd/network-status.h"
#include "daemons/netd/pod-counters.h"
#include "daemons/netd/restart.h"
#include "ipc/schema/network.capnp.h"

namespace bulkhead::netd {

class NetdServer final : public schema::Netd::Server {
 public:
  NetdServer(NetnsClient& netns, Attachments& attachments, PodCounters& counters, NetworkStatus& status,
             Restart& restart, const Settings& settings)
      : netns_(netns),
        attachments_(attachments),
        counters_(counters),
        status_(status),
        restart_(restart),
        settings_(settings) {}

 protected:
  kj::Promise<void> attach(AttachContext context) override;
  kj::Promise<void> detach(DetachContext context) override;
  kj::Promise<void> list(ListContext context) override;
  kj::Promise<void> status(StatusContext context) override;
  kj::Promise<void> counters(CountersContext context) override;
  kj::Promise<void> forward(ForwardContext context) override;

 private:
  kj::Promise<void> attachInto(AttachContext context);
  kj::Promise<void> detachInto(DetachContext context);
  kj::Promise<void> listInto(ListContext context);
  kj::Promise<void> statusInto(StatusContext context);
  kj::Promise<void> countersInto(CountersContext context);
  kj::Promise<void> forwardInto(ForwardContext context);
  [[nodiscard]] Outcome<PodId> forwardable(schema::Netd::ForwardParams::Reader params) const;
  [[nodiscard]] Outcome<PodNetwork> admit(PodNetwork pod) const;

  NetnsClient& netns_;
  Attachments& attachments_;
  PodCounters& counters_;
  NetworkStatus& status_;
  Restart& restart_;
  const Settings& settings_;
};

}  // namespace bulkhead::netd
