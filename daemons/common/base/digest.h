// Digest: a content address. Only SHA-256 is accepted (OCI image-spec, descriptor.md, "Digests": the
// registered algorithm that every registry serves).
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead {

class Digest {
 public:
  // "sha256:" and 64 lower-case hexadecimal digits; anything else is refused, naming `field`.
  static Outcome<Digest> parse(std::string_view text, std::string field);
  // From the 64 digits alone, which must be well formed.
  static Digest fromHex(std::string hex);

  // "sha256:…"
  [[nodiscard]] std::string text() const { return "sha256:" + hex_; }
  [[nodiscard]] const std::string& hex() const { return hex_; }
  auto operator<=>(const Digest&) const = default;

 private:
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

}  // namespace bulkhead

template <>
struct std::hash<bulkhead::Digest> {
  size_t operator()(const bulkhead::Digest& digest) const noexcept {
    return std::hash<std::string>()(digest.hex());
  }
};
