// Roots for drivers without overlay: a directory of the container's own, composed of its image's layers. On
// btrfs they are composed once, into a tree, of which every container is a snapshot; vfs composes them anew
// for each.
#pragma once

#include <map>
#include <vector>

#include "daemons/storaged/parts.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {

class RootComposer {
 public:
  explicit RootComposer(Parts& parts) : parts_(parts) {}

  // Fills containers/ID, which is there and empty. `layers` are the image's, topmost first; they stay for as
  // long as this takes. Dropped, or refused (resourceExhausted, internal), the directory is to be thrown
  // away.
  kj::Promise<Outcome<void>> compose(const ContainerId& container, const ImageId& image,
                                     std::vector<LayerName> layers);

 private:
  using Tree = Outcome<LayerName>;
  kj::Promise<Outcome<void>> fill(const ContainerId& container, const std::optional<LayerName>& onto,
                                  const std::vector<LayerName>& layers);
  kj::Promise<Tree> treeOf(const ImageId& image, const std::vector<LayerName>& layers);
  kj::Promise<Tree> makeTree(const ImageId& image, const std::vector<LayerName>& layers);
  kj::Promise<Tree> makePermanent(TreeRow tree, Fd openedForSync);

  Parts& parts_;
  Turnstile turns_{limits::composesAtOnce};
  std::map<ImageId, kj::ForkedPromise<Tree>> making_;
};

}  // namespace bulkhead::storaged
