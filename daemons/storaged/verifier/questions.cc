#include "daemons/storaged/verifier/questions.h"

#include <algorithm>

#include "daemons/storaged/verifier/signatures.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::verifier {
namespace {

using Question = schema::VerifyInput::Reader;

struct NamedPolicy {
  std::string path;
  Policy policy;
};

tl::unexpected<Refusal> blaming(const std::string& path, const std::string& reason) {
  return refuse(Code::failedPrecondition, "", "the signature policy " + path + ": " + reason);
}

// RFC 1123: it becomes a file's name.
bool isNamespace(const std::string& name) {
  constexpr size_t longest = 63;
  return name.size() <= longest &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == name.npos;
}

class Policies {
 public:
  Policies(Question question, const TrustFiles& files) : question_(question), files_(files) {}

  // The namespace's own, or the node's.
  [[nodiscard]] Outcome<NamedPolicy> ofPod() const {
    std::string name = ipc::toString(question_.getNamespace());
    if (!isNamespace(name)) return invalid("namespace", "is not a namespace's name");
    if (!name.empty()) {
      auto own = read(ipc::toString(question_.getPolicies()) + "/" + name + ".json");
      if (!own) return tl::unexpected(own.error());
      if (*own) return **std::move(own);
    }
    return ofNode();
  }

  // Those of other namespaces too: an image that is here must do for their pods without another pull. What is
  // broken breaks its own namespace, not this question.
  [[nodiscard]] std::vector<NamedPolicy> all() const {
    std::vector<NamedPolicy> policies;
    if (auto node = ofNode()) policies.push_back(*std::move(node));
    for (const std::string& path : files_.policiesIn(ipc::toString(question_.getPolicies()))) {
      auto policy = read(path);
      if (policy && *policy) policies.push_back(**std::move(policy));
    }
    return policies;
  }

 private:
  [[nodiscard]] Outcome<std::optional<NamedPolicy>> read(const std::string& path) const {
    auto text = files_.readIfThere(path);
    if (!text) return blaming(path, text.error().reason);
    if (!*text) return std::nullopt;
    auto policy = parsePolicy(**text);
    if (!policy) return blaming(path, policy.error().reason);
    return NamedPolicy{path, *std::move(policy)};
  }

  [[nodiscard]] Outcome<NamedPolicy> ofNode() const {
    std::string path = ipc::toString(question_.getPolicy());
    auto policy = read(path);
    if (!policy) return tl::unexpected(policy.error());
    if (*policy) return **std::move(policy);
    if (!question_.getMayBeAbsent()) return blaming(path, "does not exist");
    return NamedPolicy{path, permissivePolicy()};
  }

  Question question_;
  const TrustFiles& files_;
};

struct Kinds {
  bool simple = false;
  bool sigstore = false;
  bool anything = true;

  // Of the one name, or of any.
  void add(const Policy& policy, const std::optional<ImageName>& name) {
    anything = anything && policy.acceptsAnything();
    if (name) return add(*ruleFor(policy, *name).requirements);
    add(policy.standard);
    for (const auto& [scope, requirements] : policy.docker) add(requirements);
  }

 private:
  void add(const Requirements& requirements) {
    for (const Requirement& requirement : requirements) {
      simple = simple || std::holds_alternative<SignedBy>(requirement);
      sigstore = sigstore || std::holds_alternative<SigstoreSigned>(requirement);
    }
  }
};

Outcome<void> checkNotRejected(const NamedPolicy& own, const ImageName& name) {
  Rule rule = ruleFor(own.policy, name);
  for (const Requirement& requirement : *rule.requirements) {
    if (std::holds_alternative<Reject>(requirement))
      return blaming(own.path, "'" + rule.scope + "': it rejects the image");
  }
  return {};
}

Outcome<void> answerWanted(const Policies& policies, const std::optional<ImageName>& name,
                           schema::Wanted::Builder wanted) {
  auto own = policies.ofPod();
  if (!own) return tl::unexpected(own.error());
  auto hopeful = name ? checkNotRejected(*own, *name) : Outcome<void>();
  if (!hopeful) return hopeful;
  Kinds kinds;
  kinds.add(own->policy, name);
  for (const NamedPolicy& other : policies.all()) kinds.add(other.policy, name);
  wanted.initKinds().setSimple(kinds.simple);
  wanted.getKinds().setSigstore(kinds.sigstore);
  wanted.setAnything(kinds.anything);
  return {};
}

Signature signatureOf(schema::Signature::Reader from) {
  if (from.isSimple()) return SimpleSignature{ipc::toString(from.getSimple())};
  auto attachment = from.getSigstore();
  return SigstoreSignature{ipc::toString(attachment.getPayload()), ipc::toString(attachment.getSignature()),
                           ipc::toString(attachment.getCertificate()), ipc::toString(attachment.getChain()),
                           ipc::toString(attachment.getBundle())};
}

Outcome<Candidate> candidateOf(schema::VerifyInput::Candidate::Reader from) {
  auto reference = ImageReference::parse(ipc::toString(from.getReference()), "reference");
  if (!reference) return tl::unexpected(reference.error());
  Candidate candidate{ImageName::of(*reference), {}, {}};
  for (auto digest : from.getDigests()) candidate.digests.push_back(ipc::toString(digest));
  for (auto signature : from.getSignatures()) candidate.signatures.push_back(signatureOf(signature));
  return candidate;
}

Outcome<void> judge(const NamedPolicy& named, schema::VerifyInput::Candidate::Reader from,
                    const TrustFiles& files, schema::Verdict::Builder verdict) {
  auto candidate = candidateOf(from);
  if (!candidate) return tl::unexpected(candidate.error());
  Rule rule = ruleFor(named.policy, candidate->name);
  auto held = check(*rule.requirements, *candidate, files);
  if (!held) return blaming(named.path, "'" + rule.scope + "': " + held.error().reason);
  verdict.setScope(rule.scope);
  verdict.setAnything(named.policy.acceptsAnything());
  return {};
}

Outcome<void> answerJudge(Question question, const Policies& policies, const TrustFiles& files,
                          schema::Verdict::Builder verdict) {
  auto own = policies.ofPod();
  if (!own) return tl::unexpected(own.error());
  Outcome<void> first = invalid("judge", "is empty");
  bool asked = false;
  for (auto candidate : question.getJudge()) {
    auto judged = judge(*own, candidate, files, verdict);
    if (judged) return {};
    if (!asked) first = judged;
    asked = true;
  }
  return first;
}

}  // namespace

Outcome<void> answer(Question question, Fd root, schema::WorkerResult::Builder result) {
  TrustFiles files(std::move(root), ipc::toString(question.getTrusted()));
  Policies policies(question, files);
  if (question.isJudge()) return answerJudge(question, policies, files, result.initVerdict());
  if (!question.isWanted()) return invalid("question", "is unknown");
  if (question.getWanted().size() == 0) return answerWanted(policies, std::nullopt, result.initWanted());
  auto reference = ImageReference::parse(ipc::toString(question.getWanted()), "reference");
  if (!reference) return tl::unexpected(reference.error());
  return answerWanted(policies, ImageName::of(*reference), result.initWanted());
}

}  // namespace bulkhead::verifier
