// RunPodSandbox: intent, then network and pod side by side, then READY; undone as a whole if any of it is
// refused.
#pragma once

#include "daemons/cri-frontend/frontend.h"
#include "daemons/cri-frontend/translate/pod.h"

namespace bulkhead::cri {

class RunPodFlow {
 public:
  // `asked` is kept unaltered in the record.
  static Answer<PodId> run(Frontend& frontend, const ::runtime::v1::RunPodSandboxRequest& asked,
                           PodPlan plan);

  RunPodFlow(Frontend& frontend, PodPlan plan);
  // Queues the undo, if it was neither committed nor undone: something broke.
  ~RunPodFlow();
  RunPodFlow(const RunPodFlow&) = delete;
  RunPodFlow& operator=(const RunPodFlow&) = delete;

 private:
  void recordIntent(const ::runtime::v1::RunPodSandboxRequest& asked);
  Answer<void> connectNetwork();
  Answer<void> makePod();
  Answer<PodId> commit();
  Answer<PodId> undo(Refusal refusal);

  Frontend& frontend_;
  PodPlan plan_;
  PodId id_;
  PodRef pod_;
  bool over_ = false;  // committed or undone
};

// Removes all that a pod may have, its record last: now, and if that is refused, again in the background. For
// failed creations, and for what a crash left in state CREATING.
kj::Promise<void> undoPod(Frontend& frontend, const PodId& id);

}  // namespace bulkhead::cri
