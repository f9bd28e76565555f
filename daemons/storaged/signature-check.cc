#include "daemons/storaged/signature-check.h"

#include <capnp/message.h>

#include <algorithm>

#include "daemons/common/base/log.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {
namespace {

using namespace std::chrono_literals;
using Packet = Outcome<ipc::Packet>;

constexpr auto verifyLimit = 30 * kj::SECONDS;
constexpr auto longestRemembered = 10s;
constexpr size_t mostNamespaces = 4096;
// Names of one image that one question holds; one of a well-known base has a few.
constexpr size_t mostCandidates = 64;
constexpr size_t mostCandidateBytes = 2 * limits::signaturesTotal;

Refusal failed(const Refusal& why) {
  return {Code::permissionDenied, "", "SignatureValidationFailed: " + describe(why)};
}

void write(schema::VerifyInput::Candidate::Builder to, const TrustCandidate& candidate) {
  to.setReference(candidate.reference);
  auto digests = to.initDigests(static_cast<unsigned>(candidate.digests.size()));
  for (unsigned i = 0; i < digests.size(); ++i) digests.set(i, candidate.digests[i]);
  ipc::unpackSignatures(candidate.signatures,
                        to.initSignatures(static_cast<unsigned>(candidate.signatures.size())));
}

tl::unexpected<Refusal> refuseImage(const std::string& name, const std::string& podNamespace,
                                    const Refusal& why) {
  log::warning("an image was refused by the signature policy",
               {{"image", name}, {"namespace", podNamespace}, {"why", why.reason}});
  return tl::unexpected(failed(why));
}

// As many as one question may hold, which is all of any honest image.
std::vector<TrustCandidate> candidatesOf(std::vector<TrustRow> names) {
  std::vector<TrustCandidate> candidates;
  size_t bytes = 0;
  for (TrustRow& name : names) {
    for (const ipc::PackedSignature& signature : name.signatures) bytes += signature.size();
    if (candidates.size() == mostCandidates || bytes > mostCandidateBytes) break;
    candidates.push_back({std::move(name.reference), std::move(name.digests), std::move(name.signatures)});
  }
  return candidates;
}

}  // namespace

SignatureCheck::SignatureCheck(Parts& parts, TrustSettings settings, PolicyWatch watch)
    : parts_(parts),
      settings_(std::move(settings)),
      watch_(std::move(watch)),
      turns_(limits::verificationsAtOnce) {}

bool SignatureCheck::remembers(Verdict verdict, const std::string& podNamespace) {
  if (watch_.changed()) {
    ++changes_;
    remembered_.clear();
  }
  auto found = remembered_.find(podNamespace);
  if (found == remembered_.end()) return false;
  if (std::chrono::steady_clock::now() - found->second.since > longestRemembered) {
    remembered_.erase(found);
    return false;
  }
  return verdict == Verdict::acceptsAnything ? found->second.acceptsAnything : found->second.wantsNothing;
}

// `asOf`: how many changes had been seen when the question was put. What changed since may have been read, or
// not.
void SignatureCheck::remember(Verdict verdict, const std::string& podNamespace, std::uint64_t asOf) {
  if (watch_.changed()) {
    ++changes_;
    remembered_.clear();
  }
  if (asOf != changes_ || remembered_.size() >= mostNamespaces) return;
  auto [found, fresh] = remembered_.try_emplace(podNamespace);
  if (fresh) found->second.since = std::chrono::steady_clock::now();
  (verdict == Verdict::acceptsAnything ? found->second.acceptsAnything : found->second.wantsNothing) = true;
}

kj::Own<capnp::MallocMessageBuilder> SignatureCheck::question(const std::string& podNamespace) const {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  auto input = message->initRoot<schema::VerifyInput>();
  input.setTrusted(settings_.directory);
  input.setPolicy(settings_.policy);
  input.setMayBeAbsent(settings_.mayBeAbsent);
  input.setPolicies(settings_.policies);
  input.setNamespace(podNamespace);
  return message;
}

kj::Promise<Packet> SignatureCheck::ask(kj::Own<capnp::MallocMessageBuilder> question,
                                        schema::WorkerResult::Which expected) {
  return turns_.take().then([this, question = kj::mv(question), expected](Turnstile::Place&& turn) mutable {
    Worker worker = parts_.zygote.verify();
    std::vector<WorkerLease> leases;
    leases.push_back(std::move(worker.lease));
    auto answer = parts_.offLoop.run<Packet>(
        [pipes = std::move(worker.pipes), question = kj::mv(question), expected]() mutable {
          // One that stopped reading has something to say; its answer is read next.
          (void)ipc::writeMessage(pipes.input.get(), *question);
          pipes.input.reset();
          return readAnswer(pipes, expected);
        });
    // Eagerly: the place is given back as soon as the worker has answered, whoever takes the answer when.
    return killedAfter(parts_.timer, verifyLimit, std::move(leases), kj::mv(answer))
        .attach(kj::mv(turn))
        .eagerlyEvaluate(nullptr);
  });
}

kj::Promise<Outcome<SignatureKinds>> SignatureCheck::wanted(const std::optional<ImageReference>& reference,
                                                            const std::string& podNamespace) {
  using Kinds = Outcome<SignatureKinds>;
  if (remembers(Verdict::wantsNothing, podNamespace)) return Kinds(SignatureKinds{});
  auto input = question(podNamespace);
  input->getRoot<schema::VerifyInput>().setWanted(reference ? reference->text() : "");
  auto answer = ask(kj::mv(input), schema::WorkerResult::WANTED);
  return answer.then([this, podNamespace, asOf = changes_](Packet&& packet) -> Kinds {
    if (!packet) return tl::unexpected(failed(packet.error()));
    auto wanted = packet->as<schema::WorkerResult>().getWanted();
    if (wanted.getAnything()) remember(Verdict::wantsNothing, podNamespace, asOf);
    return SignatureKinds{wanted.getKinds().getSimple(), wanted.getKinds().getSigstore()};
  });
}

kj::Promise<Outcome<void>> SignatureCheck::judge(std::vector<TrustCandidate> candidates,
                                                 const std::string& podNamespace) {
  auto input = question(podNamespace);
  auto list = input->getRoot<schema::VerifyInput>().initJudge(static_cast<unsigned>(candidates.size()));
  for (unsigned i = 0; i < list.size(); ++i) write(list[i], candidates[i]);
  // What a stranger's bytes may have put into its mouth is true of this image alone.
  bool sober = std::all_of(candidates.begin(), candidates.end(),
                           [](const TrustCandidate& candidate) { return candidate.signatures.empty(); });
  auto answer = ask(kj::mv(input), schema::WorkerResult::VERDICT);
  return answer.then([this, podNamespace, sober, asOf = changes_,
                      name = candidates.front().reference](Packet&& packet) -> Outcome<void> {
    if (!packet) return refuseImage(name, podNamespace, packet.error());
    auto verdict = packet->as<schema::WorkerResult>().getVerdict();
    if (verdict.getAnything() && sober) remember(Verdict::acceptsAnything, podNamespace, asOf);
    log::debug("an image was accepted by the signature policy",
               {{"image", name}, {"namespace", podNamespace}, {"scope", ipc::toString(verdict.getScope())}});
    return {};
  });
}

kj::Promise<Outcome<void>> SignatureCheck::mayEnter(TrustCandidate candidate,
                                                    const std::string& podNamespace) {
  if (remembers(Verdict::acceptsAnything, podNamespace)) return Outcome<void>();
  std::vector<TrustCandidate> candidates;
  candidates.push_back(std::move(candidate));
  return judge(std::move(candidates), podNamespace);
}

kj::Promise<Outcome<void>> SignatureCheck::mayBeUsed(std::vector<ImageUse> uses, std::string podNamespace) {
  if (uses.empty()) return Outcome<void>();
  auto first = mayBeUsed(uses.front(), podNamespace);
  uses.erase(uses.begin());
  return first.then([this, uses = std::move(uses), podNamespace = std::move(podNamespace)](
                        Outcome<void>&& may) mutable -> kj::Promise<Outcome<void>> {
    if (!may) return kj::mv(may);
    return mayBeUsed(std::move(uses), std::move(podNamespace));
  });
}

kj::Promise<Outcome<void>> SignatureCheck::mayBeUsed(const ImageUse& use, const std::string& podNamespace) {
  if (remembers(Verdict::acceptsAnything, podNamespace)) return Outcome<void>();
  auto names = parts_.index.trustOf(use.image);
  auto wanted = ImageReference::parse(use.asked, "asked");
  auto isWanted = [&wanted](const TrustRow& row) {
    return wanted && row.reference == (wanted->digest() ? wanted->name() + "@" + wanted->digest()->text()
                                                        : wanted->tagged());
  };
  if (std::any_of(names.begin(), names.end(), isWanted)) {
    std::erase_if(names, [&isWanted](const TrustRow& row) { return !isWanted(row); });
  }
  if (names.empty())
    return Outcome<void>(refuse(Code::notFound, "imageId", "is not the id of a stored image"));
  return judge(candidatesOf(std::move(names)), podNamespace);
}

}  // namespace bulkhead::storaged
