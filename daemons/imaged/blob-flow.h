// Fetch: waits for its turn, then one fetcher streams one blob into a pipe.
#pragma once

#include "daemons/common/base/digest.h"
#include "daemons/imaged/fetcher-call.h"

namespace bulkhead::imaged {

class BlobFlow {
 public:
  using Context = capnp::CallContext<schema::Imaged::FetchParams, schema::Imaged::FetchResults>;

  BlobFlow(Desk& desk, Context context, kj::Own<Order> order, Digest digest, uint64_t size);

  // Fills the results. Keep this object while the promise lives.
  kj::Promise<void> run(kj::Promise<Fd> sink);

 private:
  kj::Promise<void> plan();
  kj::Promise<void> transfer(SharedPlan plan);
  void settle(Outcome<ipc::Packet> reply);

  Desk& desk_;
  Context context_;
  kj::Own<Order> order_;
  Digest digest_;
  uint64_t size_;
  Fd sink_;
  kj::Own<Turns::Turn> turn_;
  kj::Own<FetcherCall> call_;
};

}  // namespace bulkhead::imaged
