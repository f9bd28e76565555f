#include "daemons/imaged/imaged-server.h"

#include "daemons/common/base/image-ref.h"
#include "daemons/imaged/answers.h"
#include "daemons/imaged/blob-flow.h"
#include "daemons/imaged/resolve-flow.h"
#include "daemons/imaged/wipe.h"
#include "ipc/file-capability.h"
#include "ipc/limits.h"
#include "ipc/scrub.h"

namespace bulkhead::imaged {
namespace {

size_t sizeOf(schema::Auth::Reader auth) {
  return auth.getUsername().size() + auth.getPassword().size() + auth.getAuth().size() +
         auth.getServerAddress().size() + auth.getIdentityToken().size() + auth.getRegistryToken().size();
}

bool fits(schema::Platform::Reader platform) {
  constexpr size_t longest = 64;
  return platform.getOs().size() <= longest && platform.getArchitecture().size() <= longest &&
         platform.getVariant().size() <= longest;
}

// Runs a flow and keeps it meanwhile.
template <typename Flow, typename Context, typename... Arguments>
kj::Promise<void> runFlow(kj::Own<Flow> flow, Context context, Arguments&&... arguments) {
  auto done = flow->run(kj::fwd<Arguments>(arguments)...);
  return done.attach(kj::mv(flow)).catch_([context](kj::Exception&& e) mutable {
    return afterDeath(context, kj::mv(e));
  });
}

template <typename Context>
kj::Promise<void> refused(Context context, const Refusal& refusal) {
  refuseCall(context, refusal);
  return kj::READY_NOW;
}

}  // namespace

kj::Promise<void> ImagedServer::resolve(ResolveContext context) {
  context.allowCancellation();
  return ipc::scrubbed("imaged.resolve", kj::evalNow([&] { return resolveInto(context); }));
}

kj::Promise<void> ImagedServer::fetch(FetchContext context) {
  context.allowCancellation();
  return ipc::scrubbed("imaged.fetch", kj::evalNow([&] { return fetchInto(context); }));
}

kj::Promise<void> ImagedServer::names(NamesContext context) {
  context.allowCancellation();
  return ipc::scrubbed("imaged.names", kj::evalNow([&] { return namesInto(context); }));
}

Outcome<kj::Own<Order>> ImagedServer::admit(capnp::Text::Reader reference, schema::Auth::Reader auth,
                                            capnp::Text::Reader podNamespace) {
  constexpr size_t longestNamespace = 63;  // RFC 1123
  std::string text = ipc::toString(reference);
  auto parsed = ImageReference::parse(text, "image");
  if (!parsed) return tl::unexpected(parsed.error());
  if (sizeOf(auth) > limits::credential) return invalid("auth", "is larger than 48 KiB");
  if (podNamespace.size() > longestNamespace) return invalid("namespace", "is longer than 63 bytes");
  if (admitted_ >= limits::fetchers) return refuse(Code::resourceExhausted, "", "too many transfers at once");

  ++admitted_;
  auto order = kj::heap<Order>(std::move(text), auth, ipc::toString(podNamespace));
  wipe(auth);
  return order.attach(kj::defer([this] { --admitted_; }));
}

kj::Promise<void> ImagedServer::resolveInto(ResolveContext context) {
  auto params = context.getParams();
  if (!fits(params.getPlatform()))
    return refused(context, {Code::invalidArgument, "platform", "is longer than 64 bytes"});
  auto order = admit(params.getReference(), params.getAuth(), params.getNamespace());
  if (!order) return refused(context, order.error());
  auto flow = kj::heap<ResolveFlow>(desk_, context, kj::mv(*order));
  context.releaseParams();
  return runFlow(kj::mv(flow), context);
}

kj::Promise<void> ImagedServer::fetchInto(FetchContext context) {
  auto params = context.getParams();
  auto digest = Digest::parse(ipc::toString(params.getDigest()), "digest");
  if (!digest) return refused(context, digest.error());
  auto order = admit(params.getReference(), params.getAuth(), params.getNamespace());
  if (!order) return refused(context, order.error());
  auto flow = kj::heap<BlobFlow>(desk_, context, kj::mv(*order), *digest, params.getSize());
  auto sink = ipc::receiveFile(params.getSink());
  context.releaseParams();
  return runFlow(kj::mv(flow), context, kj::mv(sink));
}

kj::Promise<void> ImagedServer::namesInto(NamesContext context) {
  auto order = admit(context.getParams().getReference(), {}, "");
  if (!order) return refused(context, order.error());
  auto planned = desk_.plans.planFor((*order)->reference);
  return planned.attach(kj::mv(*order)).then([context](Outcome<SharedPlan>&& plan) mutable {
    if (!plan) return refuseCall(context, plan.error());
    auto candidates = (*plan)->get().getCandidates();
    auto names = context.getResults().initResult().initOk().initNames(candidates.size());
    for (unsigned i = 0; i < names.size(); ++i) names.set(i, candidates[i].getReference());
  });
}

}  // namespace bulkhead::imaged
