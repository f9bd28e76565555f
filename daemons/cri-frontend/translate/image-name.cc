#include "daemons/cri-frontend/translate/image-name.h"

#include "daemons/common/base/ids.h"
#include "daemons/common/base/image-ref.h"

namespace bulkhead::cri {

Outcome<std::string> parseImageName(const std::string& text, std::string field) {
  const std::string algorithm = "sha256:";
  auto id = ImageId::parse(text.starts_with(algorithm) ? text.substr(algorithm.size()) : text, field);
  if (id) return algorithm + id->text();
  return ImageReference::parse(text, std::move(field)).map([](const ImageReference& reference) {
    return reference.text();
  });
}

bool isShortName(const std::string& text) {
  size_t slash = text.find('/');
  std::string first = text.substr(0, slash);
  bool host = slash != text.npos && (first == "localhost" || first.find_first_of(".:[") != first.npos);
  return !host && !text.starts_with("sha256:") && !ImageId::parse(text, "");
}

}  // namespace bulkhead::cri
