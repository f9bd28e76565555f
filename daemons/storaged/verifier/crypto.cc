#include "daemons/storaged/verifier/crypto.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace bulkhead::verifier {
namespace {

constexpr int leastRsaBits = 2048;
constexpr size_t mostCertificates = 16;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

Bio reading(std::string_view text) {
  return {::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), ::BIO_free_all};
}

// Keys in files are public: nobody is to be asked for a password.
int noPassword(char*, int, int, void*) {
  return -1;
}

const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Outcome<PublicKey> accepted(PublicKey key) {
  if (!key) return refuse(Code::failedPrecondition, "", "is not a public key in PEM");
  int type = ::EVP_PKEY_get_base_id(key.get());
  bool rsa = type == EVP_PKEY_RSA && ::EVP_PKEY_get_bits(key.get()) >= leastRsaBits;
  if (rsa || type == EVP_PKEY_EC || type == EVP_PKEY_ED25519) return key;
  return refuse(Code::failedPrecondition, "", "is a public key of a kind that is not accepted");
}

}  // namespace

Outcome<PublicKey> parsePublicKey(std::string_view pem) {
  Bio bio = reading(pem);
  PublicKey key(::PEM_read_bio_PUBKEY(bio.get(), nullptr, noPassword, nullptr), ::EVP_PKEY_free);
  return accepted(std::move(key));
}

Outcome<std::vector<Certificate>> parseCertificates(std::string_view pem) {
  std::vector<Certificate> certificates;
  Bio bio = reading(pem);
  while (X509* next = ::PEM_read_bio_X509(bio.get(), nullptr, noPassword, nullptr)) {
    certificates.emplace_back(next, ::X509_free);
    if (certificates.size() > mostCertificates)
      return refuse(Code::failedPrecondition, "", "has more than 16 certificates");
  }
  ::ERR_clear_error();
  if (certificates.empty()) return refuse(Code::failedPrecondition, "", "has no certificate in PEM");
  return certificates;
}

Outcome<PublicKey> publicKeyOf(const Certificate& certificate) {
  return accepted(PublicKey(::X509_get_pubkey(certificate.get()), ::EVP_PKEY_free));
}

bool verifies(const PublicKey& key, std::string_view bytes, std::string_view signature) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(::EVP_MD_CTX_new(), ::EVP_MD_CTX_free);
  bool whole = ::EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519;
  const EVP_MD* hash = whole ? nullptr : ::EVP_sha256();
  bool holds = ::EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key.get()) == 1 &&
               ::EVP_DigestVerify(context.get(), bytesOf(signature), signature.size(), bytesOf(bytes),
                                  bytes.size()) == 1;
  ::ERR_clear_error();
  return holds;
}

}  // namespace bulkhead::verifier
