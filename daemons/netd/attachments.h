// Every pod that netd knows, and what is being done about it.
#pragma once

#include <kj/async.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "daemons/netd/conflist-directory.h"
#include "daemons/netd/tools.h"

namespace bulkhead::netd {

class Attachments final : private kj::TaskSet::ErrorHandler {
 public:
  // `netnsDirectory`: where pins are, for answers. The rest is borrowed.
  Attachments(const Tools& tools, ConflistDirectory& configuration, std::string netnsDirectory);

  // Takes over what an earlier netd left: attached pods stay so, every other debt is paid from now on, pins
  // without a record are removed, networks are checked. Once, before anything else.
  void resume(std::vector<OwedRecords::Loaded> loaded);

  // Idempotent by pod id: joins an attach that runs, answers what an earlier one got. failedPrecondition
  // while a DEL is owed for this pod.
  kj::Promise<Outcome<Attachment>> attach(PodNetwork pod);
  // Idempotent; absent is ok. Ends an attach that runs. Resolves when the DEL is done, or durably owed.
  kj::Promise<Outcome<void>> detach(PodId id);
  [[nodiscard]] bool isAttached(const PodId& pod) const;
  // Every pod of network `name` with a record: what its plugins must keep.
  [[nodiscard]] std::vector<PodId> podsOf(const std::string& network) const;
  // Every pod with a record, also those whose DEL is owed (without addresses).
  [[nodiscard]] std::vector<std::pair<PodId, Attachment>> list() const;

 private:
  enum class State { attaching, attached, owed, detaching };
  struct Pod {
    OwedRecord record;
    State state = State::attaching;
    std::optional<CniResult> result;
    kj::Maybe<kj::ForkedPromise<Outcome<Attachment>>> attach{};
    kj::Maybe<kj::Own<kj::PromiseFulfiller<Outcome<CniResult>>>> abandon{};  // ends the attach that runs
    kj::Maybe<kj::ForkedPromise<Outcome<void>>> detach{};
    unsigned failures = 0;
    kj::Maybe<kj::Promise<void>> retry{};  // one timer, whoever asked for the DELs that failed
  };

  kj::Promise<Outcome<Attachment>> begin(PodNetwork pod);
  Outcome<Attachment> attached(const PodId& id, Outcome<CniResult> result);
  Outcome<Attachment> attachBroke(const PodId& id, const kj::Exception& exception);

  kj::Promise<Outcome<void>> pay(Pod& pod);
  kj::Promise<Outcome<void>> paid(const PodId& id, Outcome<void> outcome);
  kj::Promise<Outcome<void>> keepOwing(Pod& pod, const std::string& why);
  void payLater(Pod& pod);
  void payInBackground(const PodId& id);
  void judgePins(const std::vector<PodId>& pins);
  void check(const Pod& pod);
  [[nodiscard]] Outcome<void> admit(const PodNetwork& network, const Conflist& conflist) const;

  [[nodiscard]] Attachment describe(const Pod& pod) const;
  void taskFailed(kj::Exception&& exception) override;

  const Tools& tools_;
  ConflistDirectory& configuration_;
  std::string netnsDirectory_;
  std::map<PodId, Pod> pods_;
  kj::TaskSet tasks_;  // last: its tasks use the rest
};

}  // namespace bulkhead::netd
