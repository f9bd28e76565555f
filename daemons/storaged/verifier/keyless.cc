#include "daemons/storaged/verifier/keyless.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <optional>

namespace bulkhead::verifier {
namespace {

tl::unexpected<Refusal> unacceptable(const char* why) {
  return refuse(Code::failedPrecondition, "", std::string("its certificate ") + why);
}

std::string textOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(::ASN1_STRING_get0_data(text)),
          static_cast<size_t>(::ASN1_STRING_length(text))};
}

bool hasEmail(const Certificate& certificate, const std::string& email) {
  std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          ::X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)),
      ::GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_EMAIL && textOf(name->d.rfc822Name) == email) return true;
  }
  return false;
}

// The value of one extension; nothing if it is absent or there twice.
std::optional<std::string> extension(const Certificate& certificate, const char* oid) {
  std::unique_ptr<ASN1_OBJECT, decltype(&ASN1_OBJECT_free)> object(::OBJ_txt2obj(oid, 1), ::ASN1_OBJECT_free);
  int at = ::X509_get_ext_by_OBJ(certificate.get(), object.get(), -1);
  if (at < 0 || ::X509_get_ext_by_OBJ(certificate.get(), object.get(), at) >= 0) return std::nullopt;
  return textOf(::X509_EXTENSION_get_data(::X509_get_ext(certificate.get(), at)));
}

// 1.8 is a DER UTF8String; 1.1, which it replaces, is the bare text. Both at once must agree.
std::optional<std::string> issuerOf(const Certificate& certificate) {
  auto bare = extension(certificate, "1.3.6.1.4.1.57264.1.1");
  auto wrapped = extension(certificate, "1.3.6.1.4.1.57264.1.8");
  if (!wrapped) return bare;
  const auto* at = reinterpret_cast<const unsigned char*>(wrapped->data());
  const auto* end = at + wrapped->size();
  std::unique_ptr<ASN1_UTF8STRING, decltype(&ASN1_UTF8STRING_free)> text(
      ::d2i_ASN1_UTF8STRING(nullptr, &at, static_cast<long>(wrapped->size())), ::ASN1_UTF8STRING_free);
  if (!text || at != end) return std::nullopt;
  std::string issuer = textOf(text.get());
  if (bare && *bare != issuer) return std::nullopt;
  return issuer;
}

// An extended key usage limits what is below it, too.
bool mayBeForCode(X509* certificate) {
  return (::X509_get_extended_key_usage(certificate) & XKU_CODE_SIGN) != 0;
}

bool descends(const Certificate& leaf, const std::vector<Certificate>& between,
              const std::vector<Certificate>& authorities, std::int64_t time) {
  std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> trusted(::X509_STORE_new(), ::X509_STORE_free);
  for (const Certificate& authority : authorities) ::X509_STORE_add_cert(trusted.get(), authority.get());
  struct Stack {
    STACK_OF(X509) * certificates = sk_X509_new_null();
    ~Stack() { sk_X509_free(certificates); }
  } untrusted;
  for (const Certificate& certificate : between) sk_X509_push(untrusted.certificates, certificate.get());
  std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(::X509_STORE_CTX_new(),
                                                                          ::X509_STORE_CTX_free);
  if (::X509_STORE_CTX_init(context.get(), trusted.get(), leaf.get(), untrusted.certificates) != 1)
    return false;
  X509_VERIFY_PARAM* rules = ::X509_STORE_CTX_get0_param(context.get());
  ::X509_VERIFY_PARAM_set_time(rules, time);
  // Whatever root put into the policy is an authority, also one that is not self-signed.
  ::X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  ::X509_VERIFY_PARAM_set_auth_level(rules, 2);
  bool holds = ::X509_verify_cert(context.get()) == 1;
  const STACK_OF(X509)* path = ::X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; holds && i < sk_X509_num(path); ++i) holds = mayBeForCode(sk_X509_value(path, i));
  ::ERR_clear_error();
  return holds;
}

}  // namespace

Outcome<PublicKey> keyOfSigner(std::string_view certificate, std::string_view chain,
                               const std::vector<Certificate>& authorities, const Signer& signer,
                               std::int64_t time) {
  auto leaf = parseCertificates(certificate);
  if (!leaf || leaf->size() != 1) return unacceptable("is missing or malformed");
  const Certificate& own = leaf->front();
  std::vector<Certificate> between;
  if (!chain.empty()) {
    auto parsed = parseCertificates(chain);
    if (!parsed) return unacceptable("has a malformed chain");
    between = *std::move(parsed);
  }
  // Absent usage is any usage for an authority, but a leaf has to say it.
  if ((::X509_get_extension_flags(own.get()) & EXFLAG_XKUSAGE) == 0)
    return unacceptable("is not for signing code");
  if (!descends(own, between, authorities, time))
    return unacceptable("was not one of the policy's authority when it signed");
  if (issuerOf(own) != signer.issuer) return unacceptable("has another issuer of identities");
  if (!hasEmail(own, signer.email)) return unacceptable("is somebody else's");
  return publicKeyOf(own);
}

}  // namespace bulkhead::verifier
