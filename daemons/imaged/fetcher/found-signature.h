// A signature as a fetcher found it: bytes that nobody believes before storaged's verifier has looked at
// them.
#pragma once

#include <string>
#include <variant>

namespace bulkhead::fetcher {

// One layer of cosign's "sha256-HEX.sig" image, without its payload (cosign, specs/SIGNATURE_SPEC.md).
struct Attachment {
  std::string payload;
  std::string signature;  // its annotations; may be empty
  std::string certificate;
  std::string chain;
  std::string bundle;
};
using SimpleMessage = std::string;  // containers-signature(5)
using FoundSignature = std::variant<SimpleMessage, Attachment>;

}  // namespace bulkhead::fetcher
