#include "daemons/cri-frontend/flows/start-container-flow.h"

#include "daemons/cri-frontend/clock.h"
#include "daemons/cri-frontend/translate/peer-fields.h"

namespace bulkhead::cri {
namespace {

Answer<void> markRunning(Frontend& frontend, const ContainerRef& container) {
  container->record.set_state(record::Container::RUNNING);
  container->record.set_started_at(nowNanoseconds());
  frontend.containers.save(*container);
  frontend.watch.begin(container);
  return good();
}

// The start was refused: what became of the container? One that runs all the same is a success whose answer
// was lost.
Answer<void> settle(Frontend& frontend, const ContainerRef& container, Refusal refusal) {
  return frontend.launcher.inspect(container->id)
      .then([&frontend, container, refusal = std::move(refusal)](Outcome<ContainerFacts>&& facts) mutable {
        auto state = facts ? facts->state : ContainerFacts::State::created;
        if (state == ContainerFacts::State::running) return markRunning(frontend, container);
        if (state == ContainerFacts::State::exited) recordExit(frontend.containers, *container, facts->exit);
        if (state == ContainerFacts::State::lost) recordLost(frontend.containers, *container);
        return refused<void>(inCriTerms(std::move(refusal), Asked::call));
      });
}

}  // namespace

Answer<void> startContainer(Frontend& frontend, ContainerRef container) {
  if (container->starting || container->record.state() != record::Container::CREATED) {
    return refused<void>({Code::failedPrecondition, "container_id", "the container is not in state CREATED"});
  }
  container->starting = true;
  auto started = frontend.launcher.startContainer(container->id);
  auto settled = started.then([&frontend, container](Outcome<void>&& outcome) {
    return outcome ? markRunning(frontend, container)
                   : settle(frontend, container, std::move(outcome.error()));
  });
  return settled.attach(kj::defer([container]() { container->starting = false; }));
}

}  // namespace bulkhead::cri
