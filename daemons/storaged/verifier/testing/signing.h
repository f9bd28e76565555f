// For tests: keys, authorities, logs and signatures, made on the spot.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "daemons/storaged/verifier/signatures.h"

namespace bulkhead::verifier::testing {

std::string base64(const std::string& bytes);
// What is signed: JSON of containers-signature(5).
std::string claimOf(const std::string& reference, const std::string& digest, std::string_view type);

class SigningKey {
 public:
  // "EC", "RSA" (2048 bits) or "ED25519".
  explicit SigningKey(const char* kind = "EC");
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] std::string sign(const std::string& bytes) const;
  [[nodiscard]] EVP_PKEY* get() const { return key_.get(); }

 private:
  std::shared_ptr<EVP_PKEY> key_;
};

// A Rekor of its own: its entry for one signature at `time`.
std::string bundleOf(const SigningKey& log, const SigstoreSignature& signature, const std::string& signerPem,
                     std::int64_t time);

struct CertificateWishes {
  std::string email = "dev@example.com";
  std::string issuer = "https://issuer.example.com";
  std::int64_t from = 1'700'000'000;
  std::int64_t seconds = 600;
  bool forCode = true;
};
class Authority {
 public:
  Authority();
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] std::string certify(const SigningKey& subject, const CertificateWishes& wishes) const;

 private:
  SigningKey key_;
  std::shared_ptr<X509> own_;
};

// An OpenPGP key and what it signs.
class OpenPgpKey {
 public:
  OpenPgpKey();
  ~OpenPgpKey();
  OpenPgpKey(const OpenPgpKey&) = delete;
  OpenPgpKey& operator=(const OpenPgpKey&) = delete;
  [[nodiscard]] std::string publicKey() const;
  [[nodiscard]] std::string sign(const std::string& bytes) const;
  void revoke();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bulkhead::verifier::testing
