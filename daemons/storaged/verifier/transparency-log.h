// A Rekor log's promise that it has an entry ("signed entry timestamp"), as cosign attaches it
// (dev.sigstore.cosign/bundle), of kind hashedrekord 0.0.1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/storaged/verifier/crypto.h"

namespace bulkhead::verifier {

struct LoggedSignature {
  std::string_view payload;
  std::string_view signature;  // raw
  std::string_view signer;     // PEM: the certificate, or the public key
};

// When the log of one of `keys` took in exactly this signature: seconds since 1970. Refuses
// failedPrecondition.
Outcome<std::int64_t> timeInLog(std::string_view bundle, const LoggedSignature& signature,
                                const std::vector<PublicKey>& keys);

}  // namespace bulkhead::verifier
