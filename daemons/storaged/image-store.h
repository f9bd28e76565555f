// The images of this node: what is there, what is coming in, what may go. Knows no RPC.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "daemons/common/base/image-ref.h"
#include "daemons/storaged/intake.h"
#include "daemons/storaged/parts.h"

namespace bulkhead::storaged {

class ImageStore {
 public:
  explicit ImageStore(Parts& parts) : parts_(parts) {}

  // Has a worker parse the documents and checks the chain. Refusals as in storage.capnp, beginImage.
  kj::Promise<Outcome<kj::Own<Intake>>> begin(ImageReference reference, Documents documents);

  // `name`: 64 digits, "sha256:" and 64 digits, or a reference. Nothing if it names no image; refuses what is
  // no name.
  Outcome<std::optional<ImageView>> status(const std::string& name) const;
  [[nodiscard]] std::vector<ImageView> list() const { return parts_.index.images(); }
  // The image with all its names. Absent is ok; failedPrecondition while a writable layer is on it.
  Outcome<void> remove(const std::string& name);
  [[nodiscard]] std::vector<PullView> pulls() const;

 private:
  Outcome<std::optional<ImageId>> find(const std::string& name) const;
  kj::Own<Intake> admit(VerifiedImage image);

  Parts& parts_;
  std::set<const Intake*> intakes_;
};

}  // namespace bulkhead::storaged
