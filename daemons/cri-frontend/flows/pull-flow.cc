#include "daemons/cri-frontend/flows/pull-flow.h"

#include "daemons/cri-frontend/clock.h"
#include "daemons/cri-frontend/translate/image-name.h"

namespace bulkhead::cri {
namespace {

// The kubelet looks for this word to tell a registry that is down from an image that is not there (cri-api,
// pkg/errors: ErrRegistryUnavailable). Only imaged can mean it.
Refusal ofRegistry(Refusal refusal) {
  bool said = refusal.reason.starts_with("RegistryUnavailable");
  if (refusal.code != Code::unavailable || said) return refusal;
  return {refusal.code, "", "RegistryUnavailable: " + describe(refusal)};
}

}  // namespace

Answer<ImageId> PullFlow::run(Frontend& frontend, const std::string& asked, Credentials credentials,
                              std::string podNamespace) {
  auto flow = kj::heap<PullFlow>(frontend, asked, std::move(credentials), std::move(podNamespace));
  auto& self = *flow;
  auto started = andThen(self.askPolicy(), [&self](SignatureKinds&& kinds) { return self.begin(kinds); });
  auto pulled = andThen(kj::mv(started), [&self](Begun&& begun) { return self.transfer(std::move(begun)); });
  return pulled.attach(kj::mv(flow));
}

PullFlow::PullFlow(Frontend& frontend, const std::string& asked, Credentials credentials,
                   std::string podNamespace)
    : frontend_(frontend),
      asked_(asked),
      credentials_(std::move(credentials)),
      podNamespace_(std::move(podNamespace)),
      line_(frontend.pulls, {asked, asked, nowNanoseconds(), "resolving", ""}) {}

// Which registry a short name means, only resolve will tell.
Answer<SignatureKinds> PullFlow::askPolicy() {
  std::optional<ImageReference> name;
  if (!isShortName(asked_)) {
    auto parsed = ImageReference::parse(asked_, "image");
    if (!parsed) return refused<SignatureKinds>(parsed.error());
    name = std::move(*parsed);
  }
  return frontend_.storaged.signaturesWanted(name, podNamespace_);
}

Answer<Begun> PullFlow::begin(SignatureKinds signatures) {
  auto resolved = frontend_.imaged.resolve(asked_, credentials_, podNamespace_, signatures);
  return andThen(reworded(kj::mv(resolved), ofRegistry), [this](Resolved&& found) {
    reference_ = std::move(found.reference);
    line_.found(reference_->text(), reference_->host());
    return frontend_.storaged.beginImage(*reference_, std::move(found.documents), podNamespace_);
  });
}

Answer<ImageId> PullFlow::transfer(Begun begun) {
  line_.stage("fetching");
  kj::Vector<kj::Promise<void>> fetches;
  for (const auto& layer : begun.missing) fetches.add(fetchLayer(layer, begun.intake));
  auto fetched = kj::joinPromises(fetches.releaseAsArray());
  return fetched.then([this, intake = kj::mv(begun.intake)]() mutable { return commit(kj::mv(intake)); });
}

kj::Promise<void> PullFlow::fetchLayer(const Begun::Layer& layer, schema::Intake::Client intake) {
  return frontend_.storaged.layerPipe(kj::mv(intake), layer.index)
      .then([this, layer](Outcome<std::optional<Fd>>&& pipe) -> Answer<void> {
        if (!pipe) pipeRefusal_ = pipe.error();
        if (!pipe || !*pipe) return good();
        return reworded(frontend_.imaged.fetch(*reference_, credentials_, podNamespace_, layer.digest,
                                               layer.size, std::move(**pipe)),
                        ofRegistry);
      })
      .then([this](Outcome<void>&& outcome) {
        if (!outcome && !fetchRefusal_) fetchRefusal_ = std::move(outcome.error());
      });
}

Answer<ImageId> PullFlow::commit(schema::Intake::Client intake) {
  // A layer without a pipe never arrives: commit would wait for it. It may have none because another's fetch
  // failed.
  if (pipeRefusal_) return refused<ImageId>(explain(*pipeRefusal_));
  line_.stage("storing");
  return frontend_.storaged.commit(kj::mv(intake))
      .then([this](Outcome<StoredImage>&& image) -> Outcome<ImageId> {
        if (!image) return tl::unexpected<Refusal>(explain(std::move(image.error())));
        return image->id;
      });
}

Refusal PullFlow::explain(Refusal fromStorage) const {
  return fromStorage.code == Code::unavailable && fetchRefusal_ ? *fetchRefusal_ : fromStorage;
}

}  // namespace bulkhead::cri
