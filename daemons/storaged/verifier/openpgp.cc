// "signedBy": containers-signature(5), an OpenPGP message that carries what it signs. By RNP, in this
// process.
#include <rnp/rnp.h>
#include <rnp/rnp_err.h>
#include <sys/resource.h>

#include <memory>
#include <optional>

#include "daemons/storaged/verifier/claim.h"
#include "daemons/storaged/verifier/key-material.h"
#include "daemons/storaged/verifier/reasons.h"
#include "daemons/storaged/verifier/signatures.h"
#include "ipc/limits.h"

namespace bulkhead::verifier {
namespace {

template <typename Handle, auto destroy>
struct Destroy {
  void operator()(Handle handle) const { (void)destroy(handle); }
};
template <typename Handle, auto destroy>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<Handle, destroy>>;
using Library = Owned<rnp_ffi_t, rnp_ffi_destroy>;
using Input = Owned<rnp_input_t, rnp_input_destroy>;
using Output = Owned<rnp_output_t, rnp_output_destroy>;
using Verification = Owned<rnp_op_verify_t, rnp_op_verify_destroy>;
using Key = Owned<rnp_key_handle_t, rnp_key_handle_destroy>;

tl::unexpected<Refusal> no(const std::string& why) {
  return refuse(Code::failedPrecondition, "", why);
}

Input reading(const std::string& bytes) {
  rnp_input_t input = nullptr;
  if (::rnp_input_from_memory(&input, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), false) !=
      RNP_SUCCESS) {
    throw std::runtime_error("RNP takes no input");
  }
  return Input(input);
}

Library emptyRing() {
  rnp_ffi_t made = nullptr;
  if (::rnp_ffi_create(&made, RNP_KEYSTORE_GPG, RNP_KEYSTORE_GPG) != RNP_SUCCESS)
    throw std::runtime_error("RNP does not start");
  return Library(made);
}

// A key ring of one requirement's keys and nothing else: whatever it verifies is by one of them.
Outcome<Library> keyRing(const KeySource& source, const TrustFiles& files) {
  Library ring = emptyRing();
  auto texts = textsOf(source, files);
  if (!texts) return tl::unexpected(texts.error());
  for (const std::string& text : *texts) {
    if (text.empty()) return no("one of its key files is empty");
    Input input = reading(text);
    if (::rnp_import_keys(ring.get(), input.get(), RNP_LOAD_SAVE_PUBLIC_KEYS, nullptr) != RNP_SUCCESS)
      return no("one of its keys is no OpenPGP public key");
  }
  size_t keys = 0;
  if (::rnp_get_public_key_count(ring.get(), &keys) != RNP_SUCCESS || keys == 0)
    return no("its keys are no OpenPGP public keys");
  return ring;
}

// gpg's rule, too: what an expired or revoked key has signed is not good any more.
bool isGood(rnp_op_verify_signature_t signature) {
  if (::rnp_op_verify_signature_get_status(signature) != RNP_SUCCESS) return false;
  rnp_key_handle_t handle = nullptr;
  if (::rnp_op_verify_signature_get_key(signature, &handle) != RNP_SUCCESS) return false;
  Key key(handle);
  bool valid = false;
  bool expired = true;
  bool revoked = true;
  return ::rnp_key_is_valid(handle, &valid) == RNP_SUCCESS && valid &&
         ::rnp_key_is_expired(handle, &expired) == RNP_SUCCESS && !expired &&
         ::rnp_key_is_revoked(handle, &revoked) == RNP_SUCCESS && !revoked;
}

// What was signed, if exactly one key signed it and is in the ring.
Outcome<std::string> signedBytes(rnp_ffi_t ring, const std::string& message) {
  if (message.empty()) return no("it is empty");
  Input input = reading(message);
  rnp_output_t into = nullptr;
  if (::rnp_output_to_memory(&into, limits::signature) != RNP_SUCCESS)
    throw std::runtime_error("RNP takes no output");
  Output output(into);
  rnp_op_verify_t begun = nullptr;
  if (::rnp_op_verify_create(&begun, ring, input.get(), output.get()) != RNP_SUCCESS)
    return no("it is no OpenPGP message");
  Verification verification(begun);
  bool held = ::rnp_op_verify_execute(begun) == RNP_SUCCESS;
  size_t count = 0;
  rnp_op_verify_signature_t signature = nullptr;
  bool one = ::rnp_op_verify_get_signature_count(begun, &count) == RNP_SUCCESS && count == 1 &&
             ::rnp_op_verify_get_signature_at(begun, 0, &signature) == RNP_SUCCESS;
  if (!held || !one || !isGood(signature)) return no("it is not of a valid key that the policy names");
  uint8_t* bytes = nullptr;
  size_t length = 0;
  if (::rnp_output_memory_get_buf(into, &bytes, &length, false) != RNP_SUCCESS)
    throw std::runtime_error("RNP gives no output");
  return std::string(reinterpret_cast<char*>(bytes), length);
}

}  // namespace

void startOpenPgp() {
  // Its library locks memory where it may, for secrets; there are none here.
  const struct rlimit nothing {};
  if (::setrlimit(RLIMIT_MEMLOCK, &nothing) != 0) throwErrno("RLIMIT_MEMLOCK");
  (void)emptyRing();
}

Outcome<void> checkSignedBy(const SignedBy& requirement, const Candidate& candidate,
                            const TrustFiles& files) {
  auto ring = keyRing(requirement.keys, files);
  if (!ring) return tl::unexpected(ring.error());
  Reasons reasons("GPG");
  for (const Signature& any : candidate.signatures) {
    const auto* signature = std::get_if<SimpleSignature>(&any);
    if (signature == nullptr) continue;
    auto bytes = signedBytes(ring->get(), signature->message);
    auto covered = bytes ? covers(parseClaim(*bytes, simpleType), requirement.identity, candidate)
                         : Outcome<void>(tl::unexpected(bytes.error()));
    if (covered) return {};
    reasons.add(covered.error());
  }
  return reasons.refusal();
}

}  // namespace bulkhead::verifier
