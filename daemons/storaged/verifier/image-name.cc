#include "daemons/storaged/verifier/image-name.h"

#include "daemons/common/base/image-scopes.h"

namespace bulkhead::verifier {

Outcome<ImageName> ImageName::parse(std::string_view text, const std::string& field) {
  auto reference = ImageReference::parse(text, field);
  if (!reference) return tl::unexpected(reference.error());
  ImageName name;
  name.repository_ = reference->name();
  if (reference->digest()) name.digest_ = reference->digest()->text();
  // ImageReference gives ":latest" to what has neither tag nor digest.
  std::string_view untilDigest = text.substr(0, text.find('@'));
  bool tagged = !reference->tag().empty() && untilDigest.ends_with(":" + reference->tag());
  if (tagged) name.tag_ = reference->tag();
  return name;
}

ImageName ImageName::of(const ImageReference& reference) {
  ImageName name;
  name.repository_ = reference.name();
  if (reference.digest()) {
    name.digest_ = reference.digest()->text();
  } else {
    name.tag_ = reference.tag();
  }
  return name;
}

std::string ImageName::text() const {
  return repository_ + (tag_.empty() ? "" : ":" + tag_) + (digest_.empty() ? "" : "@" + digest_);
}

ImageName ImageName::in(std::string repository) const {
  ImageName name = *this;
  name.repository_ = std::move(repository);
  return name;
}

std::vector<std::string> ImageName::scopes() const {
  auto scopes = scopesOf(repository_, text().substr(repository_.size()));
  scopes.emplace_back();
  return scopes;
}

}  // namespace bulkhead::verifier
