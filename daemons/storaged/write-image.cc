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
  to.setId(view.image.id.text());
  writeTexts(to.initRepoTags(static_cast<capnp::uint>(view.tags.size())), view.tags);
  writeTexts(to.initRepoDigests(static_cast<capnp::uint>(view.digests.size())), view.digests);
  to.setSize(view.size);

  auto words = wordsOf(view.image.config);
  capnp::FlatArrayMessageReader message(words.asPtr());
  auto config = message.getRoot<schema::ImageConfig>();
  if (detail == Detail::whole) {
    to.setConfig(config);
  } else {
    to.initConfig().setUser(config.getUser());
  }
}

}  // namespace bulkhead::storaged
