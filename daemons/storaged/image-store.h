// The images of this node: what is there, what is coming in, what may go. Knows no RPC.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemons/common/base/image-ref.h"
#include "daemons/storaged/intake.h"
#include "daemons/storaged/parts.h"
#include "daemons/storaged/signature-check.h"

namespace bulkhead::storaged {

class ImageStore {
 public:
  ImageStore(Parts& parts, SignatureCheck& trust) : parts_(parts), trust_(trust) {}

  // Has a worker parse the documents, checks the chain, and asks the signature policy of the pod's namespace.
  // Refusals as in storage.capnp, beginImage.
  kj::Promise<Outcome<kj::Own<Intake>>> begin(ImageReference reference, Documents documents,
                                              const std::string& podNamespace);

  // `name`: 64 digits, "sha256:" and 64 digits, or a reference. Nothing if it names no image; refuses what is
  // no name.
  Outcome<std::optional<ImageView>> status(const std::string& name) const;
  // Its config as it came.
  [[nodiscard]] std::string document(const ImageId& image) const { return parts_.index.document(image); }
  // Kept until the index changes. Good until the next call.
  [[nodiscard]] const std::vector<ImageView>& list() const;
  // The image with all its names. Absent is ok; failedPrecondition while a writable layer is on it.
  kj::Promise<Outcome<void>> remove(const std::string& name);
  [[nodiscard]] std::vector<PullView> pulls() const;

 private:
  // The images on their way in, from the first look at their documents to the last reference to their intake,
  // which may outlive this store.
  struct Roll {
    size_t begun = 0;
    std::set<const Intake*> intakes;
  };
  class Ticket;
  Outcome<std::optional<ImageId>> find(const std::string& name) const;
  Outcome<kj::Own<Intake>> admit(VerifiedImage image, std::shared_ptr<Ticket> ticket);
  kj::Promise<Outcome<VerifiedImage>> check(ImageReference reference, Documents documents);
  kj::Promise<Outcome<VerifiedImage>> trusted(VerifiedImage image, const std::string& podNamespace);

  Parts& parts_;
  SignatureCheck& trust_;
  Turnstile parseTurns_{limits::parsesAtOnce};
  std::shared_ptr<Roll> roll_ = std::make_shared<Roll>();
  mutable std::vector<ImageView> listed_;
  mutable std::optional<std::uint64_t> listedAt_;  // generation of the index
};

}  // namespace bulkhead::storaged
