#include "daemons/netd/attachments.h"

#include <algorithm>

#include "daemons/common/base/log.h"
#include "daemons/netd/attach-flow.h"
#include "daemons/netd/check-flow.h"
#include "daemons/netd/detach-flow.h"
#include "daemons/netd/host-ports.h"
#include "daemons/netd/plugin-config.h"
#include "ipc/scrub.h"

namespace bulkhead::netd {
namespace {

// A DEL that failed is tried again after 1 s, then twice as long each time; a minute at most.
constexpr auto firstDelay = 1 * kj::SECONDS;
constexpr unsigned mostDoublings = 6;

// What the flow throws at once is a rejected promise as well: nobody is left in a state that nothing ends.
template <typename Flow>
auto start(kj::Own<Flow> flow) {
  auto& raw = *flow;
  return kj::evalNow([&raw]() { return raw.run(); }).attach(kj::mv(flow));
}

template <typename T>
kj::Promise<Outcome<T>> refused(Code code, const char* field, std::string reason) {
  return Outcome<T>(refuse(code, field, std::move(reason)));
}

}  // namespace

Attachments::Attachments(const Tools& tools, ConflistDirectory& configuration, std::string netnsDirectory)
    : tools_(tools),
      configuration_(configuration),
      netnsDirectory_(std::move(netnsDirectory)),
      tasks_(*this) {}

void Attachments::resume(std::vector<OwedRecords::Loaded> loaded) {
  for (auto& [record, result] : loaded) {
    PodId id = record.pod.id;
    bool isAttached = result && !record.detaching;
    pods_.emplace(id, Pod{std::move(record), isAttached ? State::attached : State::owed, std::move(result)});
    if (!isAttached) payInBackground(id);
  }
  tasks_.add(tools_.netns.list().then([this](std::vector<PodId>&& pins) { judgePins(pins); }));
}

// A namespace without a debt: netd died after the one and before the other was written. One of an attached
// pod is worth a CHECK.
void Attachments::judgePins(const std::vector<PodId>& pins) {
  for (const PodId& pin : pins) {
    auto found = pods_.find(pin);
    if (found != pods_.end()) {
      check(found->second);
      continue;
    }
    log::info("removing a network namespace without a record", {{"pod", pin.text()}});
    tasks_.add(tools_.netns.remove(pin).ignoreResult());
  }
}

// Nobody asks for it, so nobody is told but the log: the pod runs, and what to do with it is the kubelet's
// business.
void Attachments::check(const Pod& pod) {
  if (pod.state != State::attached || !CheckFlow::isPossible(pod.record, *pod.result)) return;
  auto flow = kj::heap<CheckFlow>(tools_, pod.record, *pod.result);
  auto& raw = *flow;
  tasks_.add(raw.run().attach(kj::mv(flow)));
}

kj::Promise<Outcome<Attachment>> Attachments::attach(PodNetwork pod) {
  auto found = pods_.find(pod.id);
  if (found == pods_.end()) return begin(std::move(pod));
  if (found->second.state == State::attached) return Outcome<Attachment>(describe(found->second));
  if (found->second.state == State::attaching) return KJ_ASSERT_NONNULL(found->second.attach).addBranch();
  return refused<Attachment>(Code::failedPrecondition, "podId", "is being detached");
}

kj::Promise<Outcome<Attachment>> Attachments::begin(PodNetwork network) {
  const auto& conflist = configuration_.current();
  if (!conflist) return Outcome<Attachment>(tl::unexpected(conflist.error()));
  if (auto admitted = admit(network, *conflist); !admitted)
    return Outcome<Attachment>(tl::unexpected(admitted.error()));
  PodId id = network.id;
  network.facts = declaredFacts(std::move(network.facts), *conflist);
  OwedRecord record{std::move(network), *conflist, false};
  auto abandon = kj::newPromiseAndFulfiller<Outcome<CniResult>>();
  auto flow = start(kj::heap<AttachFlow>(tools_, record)).exclusiveJoin(kj::mv(abandon.promise));
  Pod& pod = pods_.emplace(id, Pod{std::move(record), State::attaching, {}}).first->second;
  pod.abandon = kj::mv(abandon.fulfiller);
  auto fork = flow.then([this, id](Outcome<CniResult>&& result) { return attached(id, std::move(result)); },
                        [this, id](kj::Exception&& exception) { return attachBroke(id, exception); })
                  .fork();
  auto branch = fork.addBranch();
  tasks_.add(fork.addBranch().ignoreResult());  // goes on when its callers are gone
  pod.attach = kj::mv(fork);
  return branch;
}

// Also those whose DEL is owed have their ports: what sends packets to them is still there.
Outcome<void> Attachments::admit(const PodNetwork& network, const Conflist& conflist) const {
  if (network.portMappings.empty()) return {};
  if (auto served = checkServed(conflist, network.portMappings); !served) return served;
  for (const auto& [id, pod] : pods_) {
    if (auto free = checkFree(network.portMappings, pod.record.pod); !free) return free;
  }
  return {};
}

Outcome<Attachment> Attachments::attached(const PodId& id, Outcome<CniResult> result) {
  Pod& pod = pods_.at(id);
  if (!result) {
    log::warning("attach failed", {{"pod", id.text()}, {"reason", bulkhead::describe(result.error())}});
    pod.state = State::owed;
    payInBackground(id);
    return tl::unexpected(result.error());
  }
  pod.state = State::attached;
  pod.result = std::move(*result);
  return describe(pod);
}

Outcome<Attachment> Attachments::attachBroke(const PodId& id, const kj::Exception& exception) {
  log::error("attach broke", {{"pod", id.text()}, {"error", ipc::fullText(exception)}});
  return attached(id, refuse(Code::internal, "", "netd could not keep its records"));
}

kj::Promise<Outcome<void>> Attachments::detach(PodId id) {
  auto found = pods_.find(id);
  if (found == pods_.end()) return tools_.netns.remove(id);
  Pod& pod = found->second;
  if (pod.state != State::attaching) return pay(pod);
  // A plugin that hangs is not waited for: its handler kills it, and the DEL waits for the handler's lock.
  KJ_ASSERT_NONNULL(pod.abandon)
      ->fulfill(refuse(Code::failedPrecondition, "podId", "was detached meanwhile"));
  auto attach = KJ_ASSERT_NONNULL(pod.attach).addBranch();
  return attach.then([this, id](Outcome<Attachment>&&) { return detach(id); });
}

// Starts the DEL, or joins the one that runs.
kj::Promise<Outcome<void>> Attachments::pay(Pod& pod) {
  if (pod.state == State::detaching) return KJ_ASSERT_NONNULL(pod.detach).addBranch();
  pod.state = State::detaching;
  PodId id = pod.record.pod.id;
  auto atFailure = pod.failures == 0 ? PluginChain::AtFailure::stop : PluginChain::AtFailure::goOn;
  auto flow = start(kj::heap<DetachFlow>(tools_, pod.record, pod.result, atFailure));
  auto broke = [this, id](kj::Exception&& exception) {
    return keepOwing(pods_.at(id), ipc::fullText(exception));
  };
  auto fork =
      flow.then([this, id](Outcome<void>&& outcome) { return paid(id, std::move(outcome)); }, broke).fork();
  auto branch = fork.addBranch();
  tasks_.add(fork.addBranch().ignoreResult());
  pod.detach = kj::mv(fork);
  return branch;
}

kj::Promise<Outcome<void>> Attachments::paid(const PodId& id, Outcome<void> outcome) {
  Pod& pod = pods_.at(id);
  if (!outcome) return keepOwing(pod, bulkhead::describe(outcome.error()));
  pods_.erase(id);
  return Outcome<void>();
}

// Ok for the caller once it is on disk that a DEL was asked for; not before, and not if that fails.
kj::Promise<Outcome<void>> Attachments::keepOwing(Pod& pod, const std::string& why) {
  const PodId& id = pod.record.pod.id;
  log::warning("DEL failed, still owed", {{"pod", id.text()}, {"reason", why}});
  pod.state = State::owed;
  payLater(pod);
  if (pod.record.detaching) return Outcome<void>();
  OwedRecord asked = pod.record;
  asked.detaching = true;
  return tools_.owed.write(asked).then([this, id]() {
    if (auto found = pods_.find(id); found != pods_.end()) found->second.record.detaching = true;
    return Outcome<void>();
  });
}

void Attachments::payLater(Pod& pod) {
  auto delay = std::min(firstDelay * (1 << std::min(pod.failures++, mostDoublings)), 1 * kj::MINUTES);
  auto wait = tools_.timer.afterDelay(delay);
  pod.retry = wait.then([this, id = pod.record.pod.id]() { payInBackground(id); }).eagerlyEvaluate(nullptr);
}

// Nothing if somebody else has paid, or is paying, meanwhile.
void Attachments::payInBackground(const PodId& id) {
  auto found = pods_.find(id);
  if (found == pods_.end() || found->second.state != State::owed) return;
  tasks_.add(pay(found->second).ignoreResult());
}

bool Attachments::isAttached(const PodId& pod) const {
  auto found = pods_.find(pod);
  return found != pods_.end() && found->second.state == State::attached;
}

std::vector<PodId> Attachments::podsOf(const std::string& network) const {
  std::vector<PodId> pods;
  for (const auto& [id, pod] : pods_) {
    if (pod.record.conflist.name == network) pods.push_back(id);
  }
  return pods;
}

std::vector<std::pair<PodId, Attachment>> Attachments::list() const {
  std::vector<std::pair<PodId, Attachment>> all;
  all.reserve(pods_.size());
  for (const auto& [id, pod] : pods_) all.emplace_back(id, describe(pod));
  return all;
}

Attachment Attachments::describe(const Pod& pod) const {
  bool isAttached = pod.state == State::attached && pod.result;
  return {isAttached ? pod.result->addresses : std::vector<std::string>(),
          netnsDirectory_ + "/" + pod.record.pod.id.text()};
}

void Attachments::taskFailed(kj::Exception&& exception) {
  log::error("background work failed", {{"error", ipc::fullText(exception)}});
}

}  // namespace bulkhead::netd
