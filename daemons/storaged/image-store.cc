#include "daemons/storaged/image-store.h"

#include "daemons/storaged/document-check.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {
namespace {

// Parsing documents takes milliseconds; a worker that takes longer is hostile or stuck.
constexpr auto parseLimit = 30 * kj::SECONDS;

using Checked = Outcome<VerifiedImage>;
using Begun = Outcome<kj::Own<Intake>>;

}  // namespace

class ImageStore::Ticket {
 public:
  explicit Ticket(std::shared_ptr<Roll> roll) : roll_(std::move(roll)) { ++roll_->begun; }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    --roll_->begun;
    roll_->intakes.erase(intake_);
  }
  void list(const Intake* intake) {
    intake_ = intake;
    roll_->intakes.insert(intake);
  }

 private:
  std::shared_ptr<Roll> roll_;
  const Intake* intake_ = nullptr;
};

kj::Promise<Begun> ImageStore::begin(ImageReference reference, Documents documents,
                                     const std::string& podNamespace) {
  if (auto sizes = checkSizes(documents); !sizes) return Begun(tl::unexpected(sizes.error()));
  if (roll_->begun >= limits::imagesComingIn) {
    return Begun(refuse(Code::resourceExhausted, "", "too many images are being pulled at once"));
  }
  auto ticket = std::make_shared<Ticket>(roll_);
  auto signatures = std::move(documents.signatures);
  auto checked = check(std::move(reference), std::move(documents))
                     .then([this, podNamespace, signatures = std::move(signatures)](
                               Checked&& image) mutable -> kj::Promise<Checked> {
                       if (!image) return kj::mv(image);
                       image->signatures = std::move(signatures);
                       return trusted(*std::move(image), podNamespace);
                     });
  return checked.then([this, ticket](Checked&& image) -> Begun {
    if (!image) return tl::unexpected(image.error());
    return admit(*std::move(image), ticket);
  });
}

kj::Promise<Checked> ImageStore::trusted(VerifiedImage image, const std::string& podNamespace) {
  TrustCandidate candidate{
      image.reference.text(), {image.topDigest.text(), image.manifestDigest.text()}, image.signatures};
  auto judged = trust_.mayEnter(std::move(candidate), podNamespace);
  return judged.then([image = std::move(image)](Outcome<void>&& accepted) mutable -> Checked {
    if (!accepted) return tl::unexpected(accepted.error());
    return std::move(image);
  });
}

kj::Promise<Checked> ImageStore::check(ImageReference reference, Documents documents) {
  return parseTurns_.take().then([this, reference = std::move(reference),
                                  documents = std::move(documents)](Turnstile::Place&& turn) mutable {
    Worker manifest = parts_.zygote.parse();
    Worker config = parts_.zygote.parse();
    std::vector<WorkerLease> leases;
    leases.push_back(std::move(manifest.lease));
    leases.push_back(std::move(config.lease));
    ParserPipes pipes{std::move(manifest.pipes), std::move(config.pipes)};
    auto checked =
        parts_.offLoop.run<Checked>([reference = std::move(reference), documents = std::move(documents),
                                     pipes = std::move(pipes)]() mutable {
          return checkDocuments(reference, documents, std::move(pipes));
        });
    return killedAfter(parts_.timer, parseLimit, std::move(leases), kj::mv(checked)).attach(kj::mv(turn));
  });
}

Begun ImageStore::admit(VerifiedImage image, std::shared_ptr<Ticket> ticket) {
  if (!image.schema1.empty() && !parts_.limits.schema1) {
    return refuse(Code::failedPrecondition, "manifest",
                  "is of Docker's schema 1, which pull.schema1 does not allow");
  }
  for (size_t i = 0; i < image.layers.size(); ++i) {
    if (image.layers[i].size > parts_.limits.layerBytes) {
      return refuse(Code::resourceExhausted, "manifest.layers[" + std::to_string(i) + "].size",
                    "is over the configured limit");
    }
  }
  auto intake = kj::refcounted<Intake>(parts_, std::move(image), ticket);
  ticket->list(intake.get());
  return intake;
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

const std::vector<ImageView>& ImageStore::list() const {
  if (listedAt_ != parts_.writes.generation()) listed_ = parts_.index.images();
  listedAt_ = parts_.writes.generation();
  return listed_;
}

kj::Promise<Outcome<void>> ImageStore::remove(const std::string& name) {
  auto id = find(name);
  if (!id) return Outcome<void>(tl::unexpected(id.error()));
  if (!*id) return Outcome<void>();
  auto removed =
      parts_.writes.run<Outcome<void>>([id = **id](Index& index) { return index.removeImage(id); });
  // Whoever removed an image may look at once how much is used now.
  return removed.then([this](Outcome<void>&& outcome) {
    return parts_.garbage.collect().then([outcome = kj::mv(outcome)]() mutable { return kj::mv(outcome); });
  });
}

std::vector<PullView> ImageStore::pulls() const {
  std::vector<PullView> views;
  for (const Intake* intake : roll_->intakes) views.push_back(intake->view());
  return views;
}

}  // namespace bulkhead::storaged
