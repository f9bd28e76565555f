#include "daemons/cri-frontend/flows/start-container-flow.h"

#include "daemons/cri-frontend/clock.h"
#include "daemons/cri-frontend/translate/peer-fields.h"

namespace bulkhead::cri {
namespace {

// Watched first: it runs, whether that can be written down or not.
Answer<void> markRunning(Frontend& frontend, const ContainerRef& container, int64_t startedAt) {
  frontend.watch.begin(container);
  recordRunning(frontend.containers, *container, startedAt);
  return good();
}

// The start was refused: what became of the container? One that runs all the same is a success whose answer
// was lost.
Answer<void> settle(Frontend& frontend, const ContainerRef& container, Refusal refusal) {
  return frontend.launcher.inspect(container->id)
      .then([&frontend, container, refusal = std::move(refusal)](Outcome<ContainerFacts>&& facts) mutable {
        auto state = facts ? facts->state : ContainerFacts::State::created;
        if (state == ContainerFacts::State::running)
          return markRunning(frontend, container, facts->exit.startedAt);
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
    return outcome ? markRunning(frontend, container, nowNanoseconds())
                   : settle(frontend, container, std::move(outcome.error()));
  });
  return settled.attach(kj::defer([container]() { container->starting = false; }));
}

}  // namespace bulkhead::cri
