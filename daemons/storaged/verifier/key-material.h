// What a policy's KeySource holds, read and parsed.
#pragma once

#include "daemons/storaged/verifier/crypto.h"
#include "daemons/storaged/verifier/policy.h"
#include "daemons/storaged/verifier/trust-files.h"

namespace bulkhead::verifier {

// The texts of its files and of its data. Refusals are TrustFiles::read's.
Outcome<std::vector<std::string>> textsOf(const KeySource& source, const TrustFiles& files);

struct NamedKey {
  PublicKey key;
  std::string pem;
};
// Refuses also what is no acceptable key, or no certificate, naming the file.
Outcome<std::vector<NamedKey>> keysOf(const KeySource& source, const TrustFiles& files);
Outcome<std::vector<Certificate>> certificatesOf(const KeySource& source, const TrustFiles& files);

}  // namespace bulkhead::verifier
