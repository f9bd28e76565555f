#include "daemons/storaged/verifier/testing/signing.h"
#include "daemons/common/base/digest-stream.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <rnp/rnp.h>
#include <rnp/rnp_err.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "daemons/storaged/verifier/crypto.h"

namespace bulkhead::verifier::testing {
namespace {

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

template <typename Write>
std::string pemOf(Write write) {
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(::BIO_new(::BIO_s_mem()), ::BIO_free_all);
  must(write(bio.get()) == 1, "PEM");
  char* bytes = nullptr;
  long length = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<size_t>(length)};
}

std::shared_ptr<X509> made(X509* certificate) {
  return {certificate, ::X509_free};
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  must(extension != nullptr && ::X509_add_ext(certificate, extension, -1) == 1, "extension");
  ::X509_EXTENSION_free(extension);
}

void extendRaw(X509* certificate, const char* oid, const std::string& value) {
  ASN1_OBJECT* object = ::OBJ_txt2obj(oid, 1);
  ASN1_OCTET_STRING* data = ::ASN1_OCTET_STRING_new();
  ::ASN1_OCTET_STRING_set(data, reinterpret_cast<const unsigned char*>(value.data()),
                          static_cast<int>(value.size()));
  X509_EXTENSION* extension = ::X509_EXTENSION_create_by_OBJ(nullptr, object, 0, data);
  must(::X509_add_ext(certificate, extension, -1) == 1, "raw extension");
  ::X509_EXTENSION_free(extension);
  ::ASN1_OCTET_STRING_free(data);
  ::ASN1_OBJECT_free(object);
}

std::shared_ptr<X509> blank(const char* name, EVP_PKEY* key, std::int64_t from, std::int64_t seconds) {
  auto certificate = made(::X509_new());
  X509* raw = certificate.get();
  ::X509_set_version(raw, 2);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(raw), 1 + from % 1000);
  ::ASN1_TIME_set(::X509_getm_notBefore(raw), from);
  ::ASN1_TIME_set(::X509_getm_notAfter(raw), from + seconds);
  X509_NAME* subject = ::X509_get_subject_name(raw);
  must(::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name),
                                    -1, -1, 0) == 1,
       "name");
  must(::X509_set_pubkey(raw, key) == 1, "key");
  return certificate;
}

std::string pemOf(X509* certificate) {
  return pemOf([&](BIO* bio) { return ::PEM_write_bio_X509(bio, certificate); });
}

std::string taken(rnp_output_t output) {
  uint8_t* bytes = nullptr;
  size_t length = 0;
  must(::rnp_output_memory_get_buf(output, &bytes, &length, false) == RNP_SUCCESS, "RNP output");
  std::string text(reinterpret_cast<char*>(bytes), length);
  ::rnp_output_destroy(output);
  return text;
}

}  // namespace

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int length =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(length));
  return text;
}

std::string claimOf(const std::string& reference, const std::string& digest, std::string_view type) {
  nlohmann::json claim;
  claim["critical"]["type"] = type;
  claim["critical"]["image"]["docker-manifest-digest"] = digest;
  claim["critical"]["identity"]["docker-reference"] = reference;
  claim["optional"] = nullptr;
  return claim.dump();
}

SigningKey::SigningKey(const char* kind) {
  std::string name = kind;
  EVP_PKEY* key = name == "EC"    ? EVP_EC_gen("P-256")
                  : name == "RSA" ? EVP_RSA_gen(2048)
                                  : ::EVP_PKEY_Q_keygen(nullptr, nullptr, kind);
  must(key != nullptr, "key generation");
  key_ = {key, ::EVP_PKEY_free};
}

std::string SigningKey::pem() const {
  return pemOf([this](BIO* bio) { return ::PEM_write_bio_PUBKEY(bio, key_.get()); });
}

std::string SigningKey::sign(const std::string& bytes) const {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(::EVP_MD_CTX_new(), ::EVP_MD_CTX_free);
  const EVP_MD* hash = ::EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_ED25519 ? nullptr : ::EVP_sha256();
  must(::EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key_.get()) == 1, "sign");
  size_t length = 1024;
  std::string signature(length, '\0');
  must(::EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                        reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1,
       "sign");
  signature.resize(length);
  return signature;
}

std::string bundleOf(const SigningKey& log, const SigstoreSignature& signature, const std::string& signerPem,
                     std::int64_t time) {
  nlohmann::json body;
  body["apiVersion"] = "0.0.1";
  body["kind"] = "hashedrekord";
  body["spec"]["data"]["hash"] = {{"algorithm", "sha256"}, {"value", digestOf(signature.payload).hex()}};
  body["spec"]["signature"]["content"] = signature.signature;
  body["spec"]["signature"]["publicKey"]["content"] = base64(signerPem);
  nlohmann::json payload{{"body", base64(body.dump())},
                         {"integratedTime", static_cast<std::uint64_t>(time)},
                         {"logIndex", 7u},
                         {"logID", std::string(64, 'c')}};
  nlohmann::json bundle{{"SignedEntryTimestamp", base64(log.sign(payload.dump()))}, {"Payload", payload}};
  return bundle.dump();
}

Authority::Authority() {
  own_ = blank("authority", key_.get(), 1'600'000'000, 1'000'000'000);
  ::X509_set_issuer_name(own_.get(), ::X509_get_subject_name(own_.get()));
  extend(own_.get(), own_.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(own_.get(), own_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  must(::X509_sign(own_.get(), key_.get(), ::EVP_sha256()) > 0, "sign the authority");
}

std::string Authority::pem() const {
  return pemOf(own_.get());
}

std::string Authority::certify(const SigningKey& subject, const CertificateWishes& wishes) const {
  auto leaf = blank("leaf", subject.get(), wishes.from, wishes.seconds);
  ::X509_set_issuer_name(leaf.get(), ::X509_get_subject_name(own_.get()));
  extend(leaf.get(), own_.get(), NID_key_usage, "critical,digitalSignature");
  extend(leaf.get(), own_.get(), NID_ext_key_usage, wishes.forCode ? "codeSigning" : "serverAuth");
  extend(leaf.get(), own_.get(), NID_subject_alt_name, "critical,email:" + wishes.email);
  extendRaw(leaf.get(), "1.3.6.1.4.1.57264.1.1", wishes.issuer);
  must(::X509_sign(leaf.get(), key_.get(), ::EVP_sha256()) > 0, "sign the leaf");
  return pemOf(leaf.get());
}

struct OpenPgpKey::Parts {
  rnp_ffi_t ring = nullptr;
  rnp_key_handle_t key = nullptr;
};

OpenPgpKey::OpenPgpKey() : parts_(std::make_unique<Parts>()) {
  must(::rnp_ffi_create(&parts_->ring, RNP_KEYSTORE_GPG, RNP_KEYSTORE_GPG) == RNP_SUCCESS, "RNP");
  must(::rnp_generate_key_rsa(parts_->ring, 2048, 0, "signer <signer@example.com>", nullptr, &parts_->key) ==
           RNP_SUCCESS,
       "OpenPGP key");
}

OpenPgpKey::~OpenPgpKey() {
  ::rnp_key_handle_destroy(parts_->key);
  ::rnp_ffi_destroy(parts_->ring);
}

std::string OpenPgpKey::publicKey() const {
  rnp_output_t output = nullptr;
  ::rnp_output_to_memory(&output, 0);
  must(::rnp_key_export(parts_->key, output,
                        RNP_KEY_EXPORT_PUBLIC | RNP_KEY_EXPORT_ARMORED | RNP_KEY_EXPORT_SUBKEYS) ==
           RNP_SUCCESS,
       "export");
  return taken(output);
}

std::string OpenPgpKey::sign(const std::string& bytes) const {
  rnp_input_t input = nullptr;
  rnp_output_t output = nullptr;
  rnp_op_sign_t signing = nullptr;
  ::rnp_input_from_memory(&input, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), true);
  ::rnp_output_to_memory(&output, 0);
  must(::rnp_op_sign_create(&signing, parts_->ring, input, output) == RNP_SUCCESS &&
           ::rnp_op_sign_add_signature(signing, parts_->key, nullptr) == RNP_SUCCESS &&
           ::rnp_op_sign_execute(signing) == RNP_SUCCESS,
       "OpenPGP signature");
  ::rnp_op_sign_destroy(signing);
  ::rnp_input_destroy(input);
  return taken(output);
}

void OpenPgpKey::revoke() {
  must(::rnp_key_revoke(parts_->key, 0, nullptr, nullptr, nullptr) == RNP_SUCCESS, "revoke");
}

}  // namespace bulkhead::verifier::testing
