// Identifiers. Each is parsed or refused once, at the door; afterwards the type says that it is safe in a
// path.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead {

// 64 lower-case hexadecimal digits, as the kubelet and its tools expect of sandbox and container ids.
// A full id only: abbreviations are a matter of the command line.
template <typename Tag>
class HexId {
 public:
  static Outcome<HexId> parse(std::string_view text, std::string field);
  // 256 random bits from the kernel.
  static HexId generate();

  [[nodiscard]] const std::string& text() const { return text_; }
  auto operator<=>(const HexId&) const = default;

 private:
  explicit HexId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct PodTag {};
struct ContainerTag {};
struct ImageTag {};

using PodId = HexId<PodTag>;
using ContainerId = HexId<ContainerTag>;
// The SHA-256 of the image's config document; what CRI calls the image id, without the "sha256:".
using ImageId = HexId<ImageTag>;

extern template class HexId<PodTag>;
extern template class HexId<ContainerTag>;
extern template class HexId<ImageTag>;

// The directory name of one layer in the store: 26 of [a-z2-7]. Short, because 127 of them must fit the mount
// options of kernels without lowerdir+.
class LayerName {
 public:
  static Outcome<LayerName> parse(std::string_view text);
  static LayerName generate();

  [[nodiscard]] const std::string& text() const { return text_; }
  auto operator<=>(const LayerName&) const = default;

 private:
  explicit LayerName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// One path component of the kind that we accept from configuration and requests: 1 to 253 of [A-Za-z0-9._-],
// not starting with a dot or dash. Used for runtime handlers, CNI plugin and network names.
bool isPlainName(std::string_view text);

}  // namespace bulkhead

template <typename Tag>
struct std::hash<bulkhead::HexId<Tag>> {
  size_t operator()(const bulkhead::HexId<Tag>& id) const noexcept {
    return std::hash<std::string>()(id.text());
  }
};
