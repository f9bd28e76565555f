#include "daemons/cri-frontend/flows/run-pod-flow.h"

#include "daemons/common/base/log.h"
#include "daemons/cri-frontend/clock.h"
#include "daemons/cri-frontend/translate/peer-fields.h"

namespace bulkhead::cri {

Answer<PodId> RunPodFlow::run(Frontend& frontend, const ::runtime::v1::RunPodSandboxRequest& asked,
                              PodPlan plan) {
  auto flow = kj::heap<RunPodFlow>(frontend, std::move(plan));
  auto& self = *flow;
  self.recordIntent(asked);
  std::vector<Answer<void>> steps;
  steps.push_back(self.connectNetwork());
  steps.push_back(self.makePod());
  auto made = andThen(all(std::move(steps)), [&self]() { return self.commit(); });
  return made
      .then([&self](Outcome<PodId>&& id) -> Answer<PodId> {
        if (id) return std::move(id);
        return self.undo(std::move(id.error()));
      })
      .attach(kj::mv(flow));
}

RunPodFlow::RunPodFlow(Frontend& frontend, PodPlan plan)
    : frontend_(frontend), plan_(std::move(plan)), id_(PodId::generate()) {}

RunPodFlow::~RunPodFlow() {
  if (pod_ && !over_) (void)undoPod(frontend_, id_);
}

void RunPodFlow::recordIntent(const ::runtime::v1::RunPodSandboxRequest& asked) {
  record::Pod record;
  record.set_id(id_.text());
  *record.mutable_config() = asked.config();
  record.set_asked_handler(asked.runtime_handler());
  record.set_handler(plan_.handler);
  record.set_state(record::Pod::CREATING);
  record.set_host_network(plan_.hostNetwork());
  pod_ = frontend_.pods.insert(std::move(record));
}

Answer<void> RunPodFlow::connectNetwork() {
  if (plan_.hostNetwork()) return good();
  auto attached = frontend_.netd.attach([this](auto to) { describe(to, id_, plan_); });
  auto named =
      reworded(kj::mv(attached), [](Refusal refusal) { return inCriTerms(std::move(refusal), Asked::pod); });
  return andThen(kj::mv(named), [this](Attachment&& attachment) {
    for (auto& address : attachment.addresses) pod_->record.add_addresses(std::move(address));
    pod_->record.set_netns_path(attachment.netnsPath);
    return good();
  });
}

Answer<void> RunPodFlow::makePod() {
  auto made = frontend_.launcher.makePod([this](auto to) { describe(to, id_, plan_); });
  auto named =
      reworded(kj::mv(made), [](Refusal refusal) { return inCriTerms(std::move(refusal), Asked::pod); });
  return andThen(kj::mv(named), [this](std::string&& cgroup) {
    pod_->record.set_cgroup(std::move(cgroup));
    return good();
  });
}

Answer<PodId> RunPodFlow::commit() {
  KJ_ON_SCOPE_FAILURE(pod_->record.set_state(record::Pod::CREATING));  // to be undone
  pod_->record.set_state(record::Pod::READY);
  pod_->record.set_created_at(nowNanoseconds());
  frontend_.pods.save(*pod_);
  over_ = true;
  frontend_.podWatch.begin(pod_);
  return Outcome<PodId>(id_);
}

// The caller hears of the refusal when nothing is left of the attempt.
Answer<PodId> RunPodFlow::undo(Refusal refusal) {
  over_ = true;
  return undoPod(frontend_, id_).then([refusal = std::move(refusal)]() mutable {
    return Outcome<PodId>(tl::unexpected<Refusal>(std::move(refusal)));
  });
}

kj::Promise<void> undoPod(Frontend& frontend, const PodId& id) {
  return frontend.background.add("undo pod", id.text(), [&frontend, id]() {
    std::vector<Answer<void>> steps;
    steps.push_back(frontend.launcher.removePod(id));
    steps.push_back(frontend.netd.detach(id));
    return andThen(all(std::move(steps)), [&frontend, id]() {
      frontend.pods.erase(id);
      return good();
    });
  });
}

}  // namespace bulkhead::cri
