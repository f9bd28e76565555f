// Signers known by a short-lived certificate that a certificate authority (Fulcio) gave to an e-mail address
// which an OpenID Connect issuer vouched for (sigstore, fulcio: docs/oid-info.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/storaged/verifier/crypto.h"

namespace bulkhead::verifier {

struct Signer {
  std::string issuer;
  std::string email;
};

// The public key of `certificate` (PEM), if at `time` (seconds since 1970) it was a code signing certificate
// of `signer` under one of `authorities`, by way of `chain` (PEM, may be empty). Refuses failedPrecondition.
Outcome<PublicKey> keyOfSigner(std::string_view certificate, std::string_view chain,
                               const std::vector<Certificate>& authorities, const Signer& signer,
                               std::int64_t time);

}  // namespace bulkhead::verifier
