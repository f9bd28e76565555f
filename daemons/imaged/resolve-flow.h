// Resolve: what a name may mean, then one fetcher for each meaning until one has the image.
#pragma once

#include "daemons/imaged/fetcher-call.h"
#include "ipc/packed-signature.h"

namespace bulkhead::imaged {

class ResolveFlow {
 public:
  using Context = capnp::CallContext<schema::Imaged::ResolveParams, schema::Imaged::ResolveResults>;

  ResolveFlow(Desk& desk, Context context, kj::Own<Order> order);

  // Fills the results. Keep this object while the promise lives.
  kj::Promise<void> run();

 private:
  kj::Promise<void> attempt(unsigned index);
  kj::Promise<void> settle(unsigned index, Outcome<ipc::Packet> reply);
  kj::Promise<void> next(unsigned index, const Refusal& refusal);
  void fill(unsigned index, schema::Documents::Reader from,
            const std::vector<ipc::PackedSignature>& signatures);

  Desk& desk_;
  Context context_;
  kj::Own<Order> order_;
  capnp::MallocMessageBuilder platform_;
  bool simple_ = false;  // kinds of signatures that are to come along
  bool sigstore_ = false;
  SharedPlan plan_;
  kj::Own<FetcherCall> call_;
};

}  // namespace bulkhead::imaged
