// How an image on its way in begins to exist, all of it or nothing (README.md, "How a commit is made").
#pragma once

#include <kj/async.h>

#include <vector>

#include "daemons/storaged/chain.h"
#include "daemons/storaged/parts.h"
#include "daemons/storaged/shared-layer.h"

namespace bulkhead::storaged {

class ImageCommit {
 public:
  // `image` and `layers`, which have all arrived, outlive the promise; dropping it may leave layers in
  // layers/ that the index does not name, so whoever starts this keeps it. Refuses what
  // Index::commitImage() refuses, and internal if a layer was lost to a failing disk.
  static kj::Promise<Outcome<ImageView>> run(Parts& parts, const VerifiedImage& image,
                                             const std::vector<SharedLayer*>& layers);

  ImageCommit(Parts& parts, const VerifiedImage& image, const std::vector<SharedLayer*>& layers);

 private:
  // A disk that failed the commit before keeps every later one from relying on the same layers.
  Outcome<void> checkLayers() const;
  kj::Promise<void> makeDurable();
  kj::Promise<Outcome<void>> record();
  Outcome<ImageView> announce();
  void settledWith(const std::vector<Size>& wrappings);  // of those that were staged, in order
  void markStaged(StagedLayer::Stage stage);

  Parts& parts_;
  const VerifiedImage& image_;
  std::vector<kj::Own<StagedLayer>> layers_;
};

}  // namespace bulkhead::storaged
