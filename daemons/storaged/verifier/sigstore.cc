// "sigstoreSigned": containers-policy.json(5); cosign, specs/SIGNATURE_SPEC.md.
#include <algorithm>

#include "daemons/common/base/base64.h"
#include "daemons/storaged/verifier/claim.h"
#include "daemons/storaged/verifier/key-material.h"
#include "daemons/storaged/verifier/keyless.h"
#include "daemons/storaged/verifier/reasons.h"
#include "daemons/storaged/verifier/signatures.h"
#include "daemons/storaged/verifier/transparency-log.h"

namespace bulkhead::verifier {
namespace {

tl::unexpected<Refusal> no(const char* why) {
  return refuse(Code::failedPrecondition, "", why);
}

// Who may sign, as one requirement says, with its keys read.
class Signers {
 public:
  static Outcome<Signers> read(const SigstoreSigned& requirement, const TrustFiles& files) {
    Signers signers(requirement);
    auto keys = keysOf(requirement.keys, files);
    if (!keys) return tl::unexpected(keys.error());
    signers.keys_ = *std::move(keys);
    auto logs = keysOf(requirement.rekor, files);
    if (!logs) return tl::unexpected(logs.error());
    for (NamedKey& log : *logs) signers.logs_.push_back(std::move(log.key));
    if (!requirement.fulcio) return signers;
    auto authorities = certificatesOf(requirement.fulcio->authorities, files);
    if (!authorities) return tl::unexpected(authorities.error());
    signers.authorities_ = *std::move(authorities);
    return signers;
  }

  // That one of them signed these bytes.
  [[nodiscard]] Outcome<void> check(const SigstoreSignature& signature) const {
    auto raw = decodeBase64(signature.signature);
    if (!raw || raw->empty()) return no("it is not base64");
    return fulcio_ == nullptr ? checkByKey(signature, *raw) : checkByCertificate(signature, *raw);
  }

 private:
  explicit Signers(const SigstoreSigned& requirement)
      : fulcio_(requirement.fulcio ? &*requirement.fulcio : nullptr) {}

  [[nodiscard]] Outcome<void> checkByKey(const SigstoreSignature& signature, const std::string& raw) const {
    auto signer = std::find_if(keys_.begin(), keys_.end(), [&](const NamedKey& key) {
      return verifies(key.key, signature.payload, raw);
    });
    if (signer == keys_.end()) return no("it is not of a key that the policy names");
    if (logs_.empty()) return {};
    auto logged = timeInLog(signature.bundle, {signature.payload, raw, signer->pem}, logs_);
    if (!logged) return tl::unexpected(logged.error());
    return {};
  }

  [[nodiscard]] Outcome<void> checkByCertificate(const SigstoreSignature& signature,
                                                 const std::string& raw) const {
    if (signature.certificate.empty()) return no("it has no certificate");
    auto time = timeInLog(signature.bundle, {signature.payload, raw, signature.certificate}, logs_);
    if (!time) return tl::unexpected(time.error());
    auto key = keyOfSigner(signature.certificate, signature.chain, authorities_,
                           {fulcio_->issuer, fulcio_->email}, *time);
    if (!key) return tl::unexpected(key.error());
    if (!verifies(*key, signature.payload, raw)) return no("it is not of its certificate's key");
    return {};
  }

  const Fulcio* fulcio_;
  std::vector<NamedKey> keys_;
  std::vector<PublicKey> logs_;
  std::vector<Certificate> authorities_;
};

}  // namespace

Outcome<void> checkSigstoreSigned(const SigstoreSigned& requirement, const Candidate& candidate,
                                  const TrustFiles& files) {
  auto signers = Signers::read(requirement, files);
  if (!signers) return tl::unexpected(signers.error());
  Reasons reasons("sigstore");
  for (const Signature& any : candidate.signatures) {
    const auto* signature = std::get_if<SigstoreSignature>(&any);
    if (signature == nullptr) continue;
    auto signedBy = signers->check(*signature);
    auto covered = signedBy
                       ? covers(parseClaim(signature->payload, sigstoreType), requirement.identity, candidate)
                       : signedBy;
    if (covered) return {};
    reasons.add(covered.error());
  }
  return reasons.refusal();
}

}  // namespace bulkhead::verifier
