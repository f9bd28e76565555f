#include "daemons/imaged/resolve-flow.h"

#include "daemons/common/base/log.h"
#include "daemons/imaged/answers.h"
#include "ipc/limits.h"

namespace bulkhead::imaged {
namespace {

void copy(schema::Platform::Reader from, schema::Platform::Builder to) {
  to.setOs(from.getOs());
  to.setArchitecture(from.getArchitecture());
  to.setVariant(from.getVariant());
}

bool fits(schema::Documents::Reader documents) {
  return documents.getIndex().size() <= limits::document &&
         documents.getManifest().size() <= limits::document &&
         documents.getConfig().size() <= limits::document;
}

}  // namespace

ResolveFlow::ResolveFlow(Desk& desk, Context context, kj::Own<Order> order)
    : desk_(desk), context_(context), order_(kj::mv(order)) {
  auto params = context_.getParams();
  copy(params.getPlatform(), platform_.initRoot<schema::Platform>());
  simple_ = params.getSignatures().getSimple();
  sigstore_ = params.getSignatures().getSigstore();
}

kj::Promise<void> ResolveFlow::run() {
  return desk_.plans.planFor(order_->reference).then([this](Outcome<SharedPlan>&& plan) -> kj::Promise<void> {
    if (!plan) refuseCall(context_, plan.error());
    if (!plan) return kj::READY_NOW;
    plan_ = std::move(*plan);
    return attempt(0);
  });
}

kj::Promise<void> ResolveFlow::attempt(unsigned index) {
  auto candidate = plan_->get().getCandidates()[index];
  if (candidate.getSources().size() == 0)
    return next(index, {Code::permissionDenied, "image", ipc::toString(candidate.getBlocked())});
  call_ = kj::heap<FetcherCall>(desk_, plan_, index, *order_);
  copy(platform_.getRoot<schema::Platform>().asReader(), call_->request().initResolve());
  call_->request().initSignatures().setSimple(simple_);
  call_->request().getSignatures().setSigstore(sigstore_);
  return call_->run().then(
      [this, index](Outcome<ipc::Packet>&& reply) { return settle(index, kj::mv(reply)); });
}

// What a fetcher claims: shape and size are checked, nothing is parsed.
kj::Promise<void> ResolveFlow::settle(unsigned index, Outcome<ipc::Packet> reply) {
  if (!reply) return next(index, reply.error());
  auto read = reply->as<schema::FetchReply>();
  if (read.isRefused()) return next(index, claimed(read.getRefused()));
  if (!read.isDocuments() || !fits(read.getDocuments()))
    return next(index, {Code::internal, "", "the fetcher answered with something else"});
  auto signatures = ipc::packSignatures(read.getDocuments().getSignatures());
  if (!signatures) return next(index, signatures.error());
  fill(index, read.getDocuments(), *signatures);
  return kj::READY_NOW;
}

kj::Promise<void> ResolveFlow::next(unsigned index, const Refusal& refusal) {
  if (index + 1 < plan_->get().getCandidates().size()) {
    log::info("short name: not there",
              {{"name", ipc::toString(plan_->get().getCandidates()[index].getReference())},
               {"reason", describe(refusal)}});
    // Later: this call's promise is done with first.
    return kj::evalLater([this, index] { return attempt(index + 1); });
  }
  refuseCall(context_, refusal);
  return kj::READY_NOW;
}

// The name is the plan's: what a fetcher says of it is not asked.
void ResolveFlow::fill(unsigned index, schema::Documents::Reader from,
                       const std::vector<ipc::PackedSignature>& signatures) {
  auto ok = context_.getResults().initResult().initOk();
  ok.setReference(plan_->get().getCandidates()[index].getReference());
  auto to = ok.initDocuments();
  to.setIndex(from.getIndex());
  to.setManifest(from.getManifest());
  to.setConfig(from.getConfig());
  ipc::unpackSignatures(signatures, to.initSignatures(static_cast<unsigned>(signatures.size())));
}

}  // namespace bulkhead::imaged
