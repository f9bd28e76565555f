// Trust: whether root's signature policy accepts an image, when it comes in and each time it is used. The
// policy and the signatures are read by a verifier, one process a question; here it is only decided what to
// ask.
#pragma once

#include <kj/async.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "daemons/common/base/image-ref.h"
#include "daemons/storaged/parts.h"
#include "daemons/storaged/policy-watch.h"
#include "ipc/packed-signature.h"

namespace bulkhead::storaged {

// Where root's policy is: the configuration's [trust].
struct TrustSettings {
  std::string directory;  // all that a verifier sees; the others lie beneath it
  std::string policy;
  bool mayBeAbsent = false;  // the policy: then anything is accepted
  std::string policies;      // directory of NAMESPACE.json
};

struct SignatureKinds {
  bool simple = false;
  bool sigstore = false;
};

// An image under one name, as the verifier judges it.
struct TrustCandidate {
  std::string reference;
  std::vector<std::string> digests;
  std::vector<ipc::PackedSignature> signatures;
};

// An image that is about to be used. It is judged for the name that the user `asked` for, if that is one of
// the image's, else for any of those.
struct ImageUse {
  ImageId image;
  std::string asked;
};

class SignatureCheck {
 public:
  SignatureCheck(Parts& parts, TrustSettings settings, PolicyWatch watch);

  // Each refuses permissionDenied, "SignatureValidationFailed: …" (cri-api, pkg/errors), also when a policy
  // is broken or the verifier is. `podNamespace` may be empty.

  // What a pull should bring along to be judged by any policy here; without a reference, any pull.
  kj::Promise<Outcome<SignatureKinds>> wanted(const std::optional<ImageReference>& reference,
                                              const std::string& podNamespace);
  // An image that comes in.
  kj::Promise<Outcome<void>> mayEnter(TrustCandidate candidate, const std::string& podNamespace);
  // Images of the store, as root of a container or to be mounted in it: today's policy on what was recorded
  // when they came in. All of them; the first refusal.
  kj::Promise<Outcome<void>> mayBeUsed(std::vector<ImageUse> uses, std::string podNamespace);

 private:
  // Verdicts that do not depend on the image, per namespace. Any sign of change forgets them all, and age
  // does, for changes that no watch sees (a mount on top, another machine's write).
  struct Remembered {
    std::chrono::steady_clock::time_point since;
    bool acceptsAnything = false;
    bool wantsNothing = false;
  };
  enum class Verdict { acceptsAnything, wantsNothing };

  [[nodiscard]] bool remembers(Verdict verdict, const std::string& podNamespace);
  void remember(Verdict verdict, const std::string& podNamespace, std::uint64_t asOf);
  kj::Promise<Outcome<void>> mayBeUsed(const ImageUse& use, const std::string& podNamespace);
  kj::Promise<Outcome<void>> judge(std::vector<TrustCandidate> candidates, const std::string& podNamespace);
  kj::Promise<Outcome<ipc::Packet>> ask(kj::Own<capnp::MallocMessageBuilder> question,
                                        schema::WorkerResult::Which expected);
  kj::Own<capnp::MallocMessageBuilder> question(const std::string& podNamespace) const;

  Parts& parts_;
  TrustSettings settings_;
  PolicyWatch watch_;
  Turnstile turns_;
  std::map<std::string, Remembered> remembered_;
  std::uint64_t changes_ = 0;  // seen so far
};

}  // namespace bulkhead::storaged
