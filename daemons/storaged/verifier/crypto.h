// Public keys and certificates, by libcrypto. Owners, and the few operations that signatures need.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead::verifier {

using PublicKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

// One PEM "PUBLIC KEY": ECDSA, RSA of at least 2048 bits, or Ed25519. Refuses failedPrecondition.
Outcome<PublicKey> parsePublicKey(std::string_view pem);
// All certificates of a PEM text; refuses (failedPrecondition) a text without one, and more than 16.
Outcome<std::vector<Certificate>> parseCertificates(std::string_view pem);
Outcome<PublicKey> publicKeyOf(const Certificate& certificate);

// Over SHA-256 (RSA: PKCS #1 v1.5), as sigstore signs; Ed25519 over the bytes themselves.
bool verifies(const PublicKey& key, std::string_view bytes, std::string_view signature);

}  // namespace bulkhead::verifier
