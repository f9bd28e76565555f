#include "daemons/cri-frontend/flows/update-container-flow.h"

#include "daemons/cri-frontend/translate/peer-fields.h"

namespace bulkhead::cri {

Answer<void> UpdateContainerFlow::run(Frontend& frontend, ContainerRef container,
                                      const ::runtime::v1::LinuxContainerResources& asked) {
  auto plan = translateUpdate(asked);
  if (!plan) return refused<void>(plan.error());
  auto flow = kj::heap<UpdateContainerFlow>(frontend, std::move(container), asked);
  auto& self = *flow;
  auto changed = andThen(self.change(std::move(*plan)), [&self]() {
    self.record();
    return good();
  });
  return changed.attach(kj::mv(flow));
}

Answer<void> UpdateContainerFlow::change(ResourcePlan plan) {
  auto fill = [plan = std::move(plan)](schema::Resources::Builder to) { describe(to, plan); };
  auto changed = peers_.updateContainer(container_->id, std::move(fill));
  return reworded(kj::mv(changed),
                  [](Refusal refusal) { return inCriTerms(std::move(refusal), Asked::call); });
}

void UpdateContainerFlow::record() {
  mergeResources(asked_, *container_->record.mutable_config()->mutable_linux()->mutable_resources());
  frontend_.containers.save(*container_);
}

}  // namespace bulkhead::cri
