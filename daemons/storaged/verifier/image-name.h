// What a policy compares: an image's name as its user wrote it, or as a signature claims it. Other than
// ImageReference, a name without tag and digest stays one: it names a repository, not an image.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/image-ref.h"

namespace bulkhead::verifier {

class ImageName {
 public:
  // Normalised as distribution/reference does ("busybox" is docker.io/library/busybox). Refuses what is no
  // reference, naming `field`.
  static Outcome<ImageName> parse(std::string_view text, const std::string& field);
  // What was asked for: the tag of a reference that has a digest too is mere decoration.
  static ImageName of(const ImageReference& reference);

  [[nodiscard]] const std::string& repository() const { return repository_; }  // "host/path"
  [[nodiscard]] const std::string& tag() const { return tag_; }                // may be empty
  [[nodiscard]] const std::string& digest() const { return digest_; }          // "sha256:…"; may be empty
  [[nodiscard]] bool isRepository() const { return tag_.empty() && digest_.empty(); }
  // "host/path", "host/path:tag", "host/path@digest", "host/path:tag@digest".
  [[nodiscard]] std::string text() const;
  // The same image in another repository.
  [[nodiscard]] ImageName in(std::string repository) const;

  // Where a policy's transport "docker" is looked up, first match wins: base/image-scopes.h, and "".
  [[nodiscard]] std::vector<std::string> scopes() const;

  bool operator==(const ImageName&) const = default;

 private:
  std::string repository_;
  std::string tag_;
  std::string digest_;
};

}  // namespace bulkhead::verifier
