#include "daemons/storaged/verifier/signatures.h"

#include <gtest/gtest.h>

#include "daemons/storaged/verifier/claim.h"
#include "daemons/storaged/verifier/testing/signing.h"

namespace bulkhead::verifier {
namespace {

using namespace testing;  // NOLINT: the room's own, not GoogleTest's

const std::string digest = "sha256:" + std::string(64, 'a');
const std::string name = "a.io/x:1";

struct Signatures : public ::testing::Test {
  Candidate candidate{ImageName::parse(name, "").value(), {"sha256:" + std::string(64, 'f'), digest}, {}};
  TrustFiles files{Fd(), "/etc"};  // whatever is not in the policy itself is refused
  SigningKey key;

  SigstoreSignature signedBy(const SigningKey& signer, const std::string& reference = name,
                             const std::string& what = digest, std::string_view type = sigstoreType) {
    std::string payload = claimOf(reference, what, type);
    return {payload, base64(signer.sign(payload)), "", "", ""};
  }
  SigstoreSigned requirement() { return {{{}, {key.pem()}}, {}, {}, {}}; }

  std::string why(const Requirement& required) {
    auto held = check({required}, candidate, files);
    return held ? "accepted" : held.error().reason;
  }
};

TEST_F(Signatures, OfEveryKindOfKeyHold) {
  for (const char* kind : {"EC", "RSA", "ED25519"}) {
    key = SigningKey(kind);
    candidate.signatures = {signedBy(key)};
    EXPECT_EQ(why(requirement()), "accepted") << kind;
  }
}

TEST_F(Signatures, OfOtherKeysImagesNamesAndTypesDoNot) {
  EXPECT_EQ(why(requirement()), "there is no sigstore signature");
  candidate.signatures = {signedBy(SigningKey())};
  EXPECT_NE(why(requirement()).find("not of a key that the policy names"), std::string::npos);
  candidate.signatures = {signedBy(key, name, "sha256:" + std::string(64, 'b'))};
  EXPECT_NE(why(requirement()).find("for another image"), std::string::npos);
  candidate.signatures = {signedBy(key, "a.io/y:1")};
  EXPECT_NE(why(requirement()).find("for the name a.io/y:1"), std::string::npos);
  candidate.signatures = {signedBy(key, name, digest, simpleType)};
  EXPECT_NE(why(requirement()).find("its type"), std::string::npos);
  SigstoreSignature altered = signedBy(key);
  altered.payload += " ";
  candidate.signatures = {altered};
  EXPECT_NE(why(requirement()), "accepted");
  SigstoreSignature empty = signedBy(key);
  empty.signature = "";
  candidate.signatures = {empty};
  EXPECT_NE(why(requirement()), "accepted");
}

TEST_F(Signatures, OneGoodOneAmongBadOnesIsEnoughAndEveryRequirementCounts) {
  candidate.signatures = {signedBy(SigningKey()), SimpleSignature{"noise"}, signedBy(key)};
  EXPECT_EQ(why(requirement()), "accepted");
  SigstoreSigned second = requirement();
  second.keys.data = {SigningKey().pem()};
  EXPECT_FALSE(check({requirement(), second}, candidate, files));
  EXPECT_TRUE(check({requirement(), AcceptAnything{}}, candidate, files));
  EXPECT_FALSE(check({requirement(), Reject{}}, candidate, files));
  second.keys.data.push_back(key.pem());
  EXPECT_TRUE(check({requirement(), second}, candidate, files));
}

TEST_F(Signatures, NeedKeysThatAreKeys) {
  candidate.signatures = {signedBy(key)};
  SigstoreSigned required = requirement();
  required.keys.data.push_back("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
  EXPECT_NE(why(required).find("is not a public key"), std::string::npos);
  required.keys = {{"/etc/absent.pub"}, {}};
  EXPECT_NE(why(required).find("/etc/absent.pub"), std::string::npos);
  required.keys = {{"/usr/x.pub"}, {}};
  EXPECT_NE(why(required).find("is not beneath /etc"), std::string::npos);
}

TEST_F(Signatures, AreInTheLogThatThePolicyNames) {
  SigningKey log;
  SigstoreSigned required = requirement();
  required.rekor.data = {log.pem()};
  SigstoreSignature signature = signedBy(key);
  candidate.signatures = {signature};
  EXPECT_NE(why(required).find("is missing"), std::string::npos);
  signature.bundle = bundleOf(log, signature, key.pem(), 1'700'000'000);
  candidate.signatures = {signature};
  EXPECT_EQ(why(required), "accepted");
  signature.bundle = bundleOf(SigningKey(), signature, key.pem(), 1'700'000'000);
  candidate.signatures = {signature};
  EXPECT_NE(why(required).find("not signed by a log"), std::string::npos);
  signature.bundle = bundleOf(log, signedBy(key, "a.io/other:1"), key.pem(), 1'700'000'000);
  candidate.signatures = {signature};
  EXPECT_NE(why(required).find("of another signature"), std::string::npos);
  signature.bundle = "{}";
  candidate.signatures = {signature};
  EXPECT_NE(why(required).find("malformed"), std::string::npos);
}

struct Keyless : public Signatures {
  Authority authority;
  SigningKey log;
  CertificateWishes wishes;
  std::int64_t loggedAt = 1'700'000'100;

  std::string verdict() {
    SigstoreSigned required{{},
                            Fulcio{{{}, {authority.pem()}}, "https://issuer.example.com", "dev@example.com"},
                            {{}, {log.pem()}},
                            {}};
    SigstoreSignature signature = signedBy(key);
    signature.certificate = certificate.empty() ? authority.certify(key, wishes) : certificate;
    signature.bundle = bundleOf(log, signature, signature.certificate, loggedAt);
    candidate.signatures = {signature};
    return why(required);
  }
  std::string certificate;
};

TEST_F(Keyless, HoldWhileTheCertificateDid) {
  EXPECT_EQ(verdict(), "accepted");
  loggedAt = 1'700'000'000 + 601;
  EXPECT_NE(verdict().find("when it signed"), std::string::npos);
  loggedAt = 1'699'999'999;
  EXPECT_NE(verdict().find("when it signed"), std::string::npos);
}

TEST_F(Keyless, AreOfThePersonIssuerAndAuthority) {
  wishes.email = "mallory@example.com";
  EXPECT_NE(verdict().find("somebody else's"), std::string::npos);
  wishes = {};
  wishes.issuer = "https://mallory.example.com";
  EXPECT_NE(verdict().find("another issuer"), std::string::npos);
  wishes = {};
  wishes.forCode = false;
  EXPECT_NE(verdict().find("authority"), std::string::npos);
  wishes = {};
  certificate = Authority().certify(key, wishes);
  EXPECT_NE(verdict().find("authority"), std::string::npos);
  certificate = authority.certify(SigningKey(), wishes);
  EXPECT_NE(verdict().find("not of its certificate's key"), std::string::npos);
  certificate = "no certificate";
  EXPECT_NE(verdict(), "accepted");
}

struct OpenPgp : public Signatures {
  OpenPgpKey pgp;
  SignedBy pgpRequirement() { return {{{}, {pgp.publicKey()}}, {}}; }
  SimpleSignature message(const OpenPgpKey& by, const std::string& what = digest,
                          std::string_view type = simpleType) {
    return {by.sign(claimOf(name, what, type))};
  }
};

TEST_F(OpenPgp, MessagesHold) {
  candidate.signatures = {message(pgp)};
  EXPECT_EQ(why(pgpRequirement()), "accepted");
  OpenPgpKey second;
  SignedBy either{{{}, {second.publicKey(), pgp.publicKey()}}, {}};
  EXPECT_EQ(why(either), "accepted");
}

TEST_F(OpenPgp, OfOthersDoNot) {
  EXPECT_EQ(why(pgpRequirement()), "there is no GPG signature");
  candidate.signatures = {message(OpenPgpKey())};
  EXPECT_NE(why(pgpRequirement()).find("not of a valid key"), std::string::npos);
  candidate.signatures = {message(pgp, "sha256:" + std::string(64, 'b'))};
  EXPECT_NE(why(pgpRequirement()).find("for another image"), std::string::npos);
  candidate.signatures = {message(pgp, digest, sigstoreType)};
  EXPECT_NE(why(pgpRequirement()).find("its type"), std::string::npos);
  // The middle of the message is what it says; none of its bytes can be another.
  std::string altered = message(pgp).message;
  altered[altered.size() / 4] = static_cast<char>(altered[altered.size() / 4] ^ 1);
  candidate.signatures = {SimpleSignature{altered}};
  EXPECT_NE(why(pgpRequirement()), "accepted");
  candidate.signatures = {SimpleSignature{""}, SimpleSignature{claimOf(name, digest, simpleType)},
                          SimpleSignature{std::string(100'000, 'x')}};
  EXPECT_NE(why(pgpRequirement()), "accepted");
}

TEST_F(OpenPgp, OfARevokedKeyDoNot) {
  candidate.signatures = {message(pgp)};
  pgp.revoke();
  EXPECT_NE(why(pgpRequirement()), "accepted");
}

TEST_F(OpenPgp, NeedKeysThatAreKeys) {
  candidate.signatures = {message(pgp)};
  SignedBy required{{{}, {"no key"}}, {}};
  EXPECT_NE(why(required).find("no OpenPGP public key"), std::string::npos);
}

}  // namespace
}  // namespace bulkhead::verifier
