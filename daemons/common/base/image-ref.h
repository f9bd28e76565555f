// ImageReference: what a user may call an image (distribution's reference grammar:
// [host[:port]/]path[:tag][@digest]), normalised so that two spellings of one image are one value.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/common/base/digest.h"

namespace bulkhead {

class ImageReference {
 public:
  // Refuses, naming `field`: empty, over 1,024 bytes, upper-case repository, bad host, port, tag or digest.
  // A first component without dot, colon and other than "localhost" is a path on docker.io; a single
  // component gets "library/"; no tag and no digest means ":latest".
  static Outcome<ImageReference> parse(std::string_view text, std::string field);

  [[nodiscard]] const std::string& host() const {
    return host_;
  }  // with port, if one was given; IPv6 in brackets
  [[nodiscard]] const std::string& repository() const { return repository_; }  // path on that host
  [[nodiscard]] const std::string& tag() const { return tag_; }  // may be empty if digest is set
  [[nodiscard]] const std::optional<Digest>& digest() const { return digest_; }

  // "host/path"
  [[nodiscard]] std::string name() const { return host_ + "/" + repository_; }
  // "host/path:tag", or "" without a tag: what CRI lists in repo_tags.
  [[nodiscard]] std::string tagged() const { return tag_.empty() ? "" : name() + ":" + tag_; }
  // The whole, with tag and digest as given.
  [[nodiscard]] std::string text() const;
  auto operator<=>(const ImageReference&) const = default;

 private:
  std::string host_;
  std::string repository_;
  std::string tag_;
  std::optional<Digest> digest_;
};

}  // namespace bulkhead
