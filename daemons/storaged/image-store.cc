#include "daemons/storaged/image-store.h"

#include "daemons/storaged/document-check.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {
namespace {

// Parsing three documents takes milliseconds; a worker that takes longer is hostile or stuck.
constexpr auto parseLimit = 30 * kj::SECONDS;

using Checked = Outcome<VerifiedImage>;
using Begun = Outcome<kj::Own<Intake>>;

}  // namespace

kj::Promise<Begun> ImageStore::begin(ImageReference reference, Documents documents) {
  if (auto sizes = checkSizes(documents); !sizes) return Begun(tl::unexpected(sizes.error()));
  if (intakes_.size() >= limits::imagesComingIn) {
    return Begun(refuse(Code::resourceExhausted, "", "too many images are being pulled at once"));
  }
  Worker parser = parts_.zygote.parse();
  auto checked =
      parts_.offLoop.run<Checked>([reference = std::move(reference), documents = std::move(documents),
                                   pipes = std::move(parser.pipes)]() mutable {
        return checkDocuments(reference, documents, std::move(pipes));
      });
  auto answered = killedAfter(parts_.timer, parseLimit, std::move(parser.lease), kj::mv(checked));
  return answered.then([this](Checked&& image) -> Begun {
    if (!image) return tl::unexpected(image.error());
    return admit(*std::move(image));
  });
}

kj::Own<Intake> ImageStore::admit(VerifiedImage image) {
  auto intake = kj::refcounted<Intake>(parts_, std::move(image));
  const Intake* listed = intake.get();
  intakes_.insert(listed);
  return intake.attach(kj::defer([this, listed]() { intakes_.erase(listed); }));
}

Outcome<std::optional<ImageId>> ImageStore::find(const std::string& name) const {
  constexpr std::string_view prefix = "sha256:";
  std::string bare = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  if (auto id = ImageId::parse(bare, "image")) {
    if (!parts_.index.image(*id)) return std::nullopt;
    return *id;
  }
  auto reference = ImageReference::parse(name, "image");
  if (!reference) return tl::unexpected(reference.error());
  if (!reference->digest()) return parts_.index.imageNamed(reference->tagged());
  if (auto id = parts_.index.imageNamed(reference->name() + "@" + reference->digest()->text())) return id;
  return parts_.index.imageWithManifest(*reference->digest(), reference->name());
}

Outcome<std::optional<ImageView>> ImageStore::status(const std::string& name) const {
  auto id = find(name);
  if (!id) return tl::unexpected(id.error());
  if (!*id) return std::nullopt;
  return parts_.index.image(**id);
}

Outcome<void> ImageStore::remove(const std::string& name) {
  auto id = find(name);
  if (!id) return tl::unexpected(id.error());
  if (!*id) return {};
  if (parts_.index.imageInUse(**id))
    return refuse(Code::failedPrecondition, "image", "is in use by a container");
  parts_.index.removeImage(**id);
  parts_.garbage.collect();
  return {};
}

std::vector<PullView> ImageStore::pulls() const {
  std::vector<PullView> views;
  for (const Intake* intake : intakes_) views.push_back(intake->view());
  return views;
}

}  // namespace bulkhead::storaged
