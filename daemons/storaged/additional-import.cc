#include "daemons/storaged/additional-import.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "daemons/common/base/image-ref.h"
#include "daemons/common/base/log.h"

namespace bulkhead::storaged {
namespace {

void forgetLostLayers(Index& ours, const std::vector<AdditionalStore>& stores) {
  std::vector<LayerName> lost = ours.layersElsewhere();
  std::erase_if(lost, [&](const LayerName& name) {
    return std::any_of(stores.begin(), stores.end(),
                       [&](const AdditionalStore& store) { return store.layers.contains(name.text()); });
  });
  for (const LayerName& layer : lost) {
    for (const ImageId& image : ours.imagesOn(layer)) {
      log::error("an image's layer is no longer in an additional store", {{"image", image.text()}});
      ours.forgetImage(image);
    }
  }
  if (!lost.empty()) ours.forgetLayers(lost);
}

// Their names that mean nothing here yet.
std::vector<std::string> freeNames(const Index& ours, const ImageView& theirs) {
  std::vector<std::string> names;
  for (const auto* list : {&theirs.tags, &theirs.digests}) {
    for (const std::string& name : *list) {
      if (ImageReference::parse(name, "") && !ours.imageNamed(name)) names.push_back(name);
    }
  }
  return names;
}

class StoreImport {
 public:
  StoreImport(Index& ours, const AdditionalStore& store)
      : ours_(ours), store_(store), theirs_(store.index, Index::Access::read) {
    if (!theirs_.isCurrent()) throw std::runtime_error("its index is of another version");
  }

  // Adds what it offers to `offered`.
  void run(std::set<ImageId>& offered) {
    for (const ImageView& listed : theirs_.images()) {
      auto layers = wholeLayersOf(listed.id);
      if (layers.empty()) {
        log::warning("an image of an additional store lacks a layer", {{"image", listed.id.text()}});
        continue;
      }
      offered.insert(listed.id);
      if (!ours_.image(listed.id) || ours_.isElsewhere(listed.id)) add(listed, layers);
    }
  }

 private:
  // Base first; none if one of them is lost.
  std::vector<LayerRow> wholeLayersOf(const ImageId& image) const {
    auto layers = theirs_.layerRowsOf(image);
    bool whole = layers && std::all_of(layers->begin(), layers->end(), [this](const LayerRow& row) {
                   return store_.layers.contains(row.name.text());
                 });
    return whole ? *std::move(layers) : std::vector<LayerRow>();
  }

  void add(const ImageView& listed, const std::vector<LayerRow>& layers) {
    std::uint64_t documentBytes = listed.size;
    std::vector<LayerRow> fresh;
    std::vector<Digest> diffIds;
    std::set<LayerName> counted;
    for (const LayerRow& layer : layers) {
      if (counted.insert(layer.name).second) documentBytes -= std::min(documentBytes, layer.size.content);
      if (!ours_.layerOf(layer.diffId)) fresh.push_back(layer);
      if (!ours_.layerOf(layer.diffId)) fresh.back().elsewhere = true;
      diffIds.push_back(layer.diffId);
    }
    auto view = theirs_.image(listed.id).value();
    for (const Digest& manifest : theirs_.manifestsOf(listed.id)) {
      ImageRow row{listed.id,        manifest,      documentBytes,
                   view.user,        view.config,   theirs_.document(listed.id),
                   view.annotations, view.artifact, true};
      auto added = ours_.commitImage(row, fresh, diffIds, freeNames(ours_, view));
      if (!added)
        log::warning("an image of an additional store is left out", {{"reason", describe(added.error())}});
    }
    // They are judged at every use, like those that came with a pull.
    for (const TrustRow& row : theirs_.trustOf(listed.id)) {
      if (auto name = ImageReference::parse(row.reference, ""))
        ours_.recordSignatures(listed.id, name->name(), row.signatures);
    }
  }

  Index& ours_;
  const AdditionalStore& store_;
  const Index theirs_;
};

}  // namespace

void importAdditional(Index& ours, const std::vector<AdditionalStore>& stores) {
  forgetLostLayers(ours, stores);
  std::set<ImageId> offered;
  for (const AdditionalStore& store : stores) {
    try {
      StoreImport(ours, store).run(offered);
    } catch (const std::exception& error) {
      log::error("an additional store is left out", {{"path", store.path}, {"reason", error.what()}});
    }
    removeIndexCopy(store.index);
  }
  for (const ImageId& image : ours.imagesElsewhere()) {
    if (offered.contains(image)) continue;
    log::warning("an image is no longer in an additional store", {{"image", image.text()}});
    ours.forgetImage(image);
  }
}

}  // namespace bulkhead::storaged
