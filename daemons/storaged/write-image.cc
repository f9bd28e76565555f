#include "daemons/storaged/write-image.h"

#include <capnp/serialize.h>

#include <cstring>

#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {
namespace {

void writeTexts(capnp::List<capnp::Text>::Builder to, const std::vector<std::string>& texts) {
  for (capnp::uint i = 0; i < to.size(); ++i) to.set(i, texts[i]);
}

// The blob has no alignment; words have.
kj::Array<capnp::word> wordsOf(const std::string& blob) {
  auto words = kj::heapArray<capnp::word>(blob.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), blob.data(), words.size() * sizeof(capnp::word));
  return words;
}

}  // namespace

void writeImage(schema::StoredImage::Builder to, const ImageView& view, Detail detail) {
  to.setId(view.id.text());
  writeTexts(to.initRepoTags(static_cast<capnp::uint>(view.tags.size())), view.tags);
  writeTexts(to.initRepoDigests(static_cast<capnp::uint>(view.digests.size())), view.digests);
  to.setSize(view.size);
  to.setArtifact(view.artifact);
  auto annotations = to.initAnnotations(static_cast<capnp::uint>(view.annotations.size()));
  for (capnp::uint i = 0; i < annotations.size(); ++i) {
    annotations[i].setKey(view.annotations[i].first);
    annotations[i].setValue(ipc::toData(view.annotations[i].second));
  }

  if (detail == Detail::user) {
    to.initConfig().setUser(view.user);
    return;
  }
  auto words = wordsOf(view.config);
  capnp::FlatArrayMessageReader message(words.asPtr());
  to.setConfig(message.getRoot<schema::ImageConfig>());
}

}  // namespace bulkhead::storaged
