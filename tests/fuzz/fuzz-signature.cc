// What a stranger's signature is made of: its claim, its log entry, its certificates. The first byte says
// which. Nothing here is signed by any key, so nothing may be found good.
#include <cstddef>
#include <cstdint>

#include "daemons/common/base/digest.h"
#include "daemons/storaged/verifier/claim.h"
#include "daemons/storaged/verifier/keyless.h"
#include "daemons/storaged/verifier/signatures.h"
#include "daemons/storaged/verifier/transparency-log.h"
#include "daemons/storaged/verifier/trust-files.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;
using namespace bulkhead::verifier;

namespace {

// P-256, of nobody: its private half was thrown away.
constexpr std::string_view somebody =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUiqdD1MUE8jqM+fHXvxSnVi9Nsb6\n"
    "7RnP4KlYdXqiniTd4q6PsBcRrQnebKg/pSiOB8o39V62yo0FtP0VkSvx4Q==\n"
    "-----END PUBLIC KEY-----\n";

void readClaim(std::string_view text) {
  for (std::string_view type : {simpleType, sigstoreType}) {
    auto claim = parseClaim(text, type);
    if (!claim) continue;
    fuzz::check(Digest::parse(claim->digest, "").has_value(), "a digest is one");
    auto again = ImageName::parse(claim->name.text(), "");
    fuzz::check(again && *again == claim->name, "a name reads the same again");
  }
}

void readLogEntry(std::string_view text) {
  std::vector<PublicKey> logs;
  logs.push_back(*parsePublicKey(somebody));
  fuzz::check(!timeInLog(text, {"payload", "signature", somebody}, logs), "no log has promised that");
}

void readCertificate(std::string_view text) {
  auto some = parseCertificates(text);
  if (some) (void)publicKeyOf(some->front());
  fuzz::check(!keyOfSigner(text, text, {}, {"issuer", "somebody@example.com"}, 1'700'000'000),
              "nobody trusts that authority");
  (void)parsePublicKey(text);
}

void judge(std::string_view text) {
  SigstoreSigned requirement;
  requirement.keys.data.emplace_back(somebody);
  Candidate candidate{ImageName::parse("quay.io/app:1", "").value(), {}, {}};
  std::string bytes(text);
  candidate.signatures.emplace_back(SigstoreSignature{bytes, bytes, bytes, bytes, bytes});
  fuzz::check(!checkSigstoreSigned(requirement, candidate, TrustFiles(Fd(), "/etc")),
              "nobody has signed that");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::uint8_t kinds = 4;
  switch (data[0] % kinds) {
    case 0:
      readClaim(text);
      break;
    case 1:
      readLogEntry(text);
      break;
    case 2:
      readCertificate(text);
      break;
    default:
      judge(text);
  }
  return 0;
}
