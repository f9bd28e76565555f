// What a signature says: "the image with this digest goes by this name". containers-signature(5), "JSON data
// format"; cosign writes the same with a type of its own.
#pragma once

#include <string>
#include <string_view>

#include "daemons/common/base/error.h"
#include "daemons/storaged/verifier/image-name.h"

namespace bulkhead::verifier {

struct Claim {
  std::string digest;  // "sha256:…", of the manifest or index
  ImageName name;
};

inline constexpr std::string_view simpleType = "atomic container signature";
inline constexpr std::string_view sigstoreType = "cosign container image signature";

// Only of bytes whose signature holds. Refuses failedPrecondition what is not exactly such a claim of `type`;
// its "optional" part is not looked at.
Outcome<Claim> parseClaim(std::string_view json, std::string_view type);

}  // namespace bulkhead::verifier
