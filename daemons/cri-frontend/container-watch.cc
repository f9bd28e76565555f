#include "daemons/cri-frontend/container-watch.h"

#include <csignal>

#include "daemons/common/base/log.h"
#include "daemons/cri-frontend/clock.h"
#include "ipc/rpc.h"
#include "ipc/schema/shim.capnp.h"

namespace bulkhead::cri {
namespace {

// Between two tries to reach a shim that the launcher says is alive.
constexpr auto pause = 1 * kj::SECONDS;

constexpr int unknownExit = 255;  // as the peers report a container whose exit code nobody saw

// Shim and launcher keep the exit record, so what is announced is durable, and after a restart we learn it
// again: where our own copy cannot be written (disk full), who waits for the end is told all the same.
void finish(ContainerTable& table, Container& container) {
  container.record.set_state(record::Container::EXITED);
  container.starting = false;
  try {
    table.save(container);
  } catch (const std::exception& error) {
    log::error("cannot record an exit", {{"container", container.id.text()}, {"error", error.what()}});
    table.tell(container);
  }
  container.exited.notify();
}

}  // namespace

void recordRunning(ContainerTable& table, Container& container, int64_t startedAt) {
  container.record.set_state(record::Container::RUNNING);
  if (container.record.started_at() == 0)
    container.record.set_started_at(startedAt > 0 ? startedAt : nowNanoseconds());
  table.save(container);
}

void recordExit(ContainerTable& table, Container& container, const ExitFacts& exit) {
  auto& record = container.record;
  if (record.state() == record::Container::EXITED) return;
  record.set_exit_code(exit.code);
  if (exit.startedAt > 0) record.set_started_at(exit.startedAt);
  record.set_finished_at(exit.finishedAt > 0 ? exit.finishedAt : nowNanoseconds());
  record.set_reason(exit.oomKilled ? "OOMKilled" : exit.code == 0 ? "Completed" : "Error");
  finish(table, container);
}

void recordLost(ContainerTable& table, Container& container) {
  auto& record = container.record;
  if (record.state() == record::Container::EXITED) return;
  record.set_exit_code(unknownExit);
  record.set_finished_at(nowNanoseconds());
  record.set_reason("MonitorLost");
  record.set_message("the container ended unseen; its exit code is unknown");
  finish(table, container);
}

ContainerWatch::ContainerWatch(kj::LowLevelAsyncIoProvider& io, kj::Timer& timer, std::string shimDirectory,
                               LauncherClient& launcher, ContainerTable& table)
    : io_(io),
      timer_(timer),
      shimDirectory_(std::move(shimDirectory)),
      launcher_(launcher),
      table_(table),
      tasks_(*this) {}

void ContainerWatch::begin(ContainerRef container) {
  tasks_.add(kj::evalLater([this, container = std::move(container)]() { return follow(container); }));
}

void ContainerWatch::sweep(const ContainerRef& container) {
  const auto& context = container->record.config().linux().security_context();
  if (!context.has_namespace_options() || context.namespace_options().pid() == ::runtime::v1::CONTAINER)
    return;
  tasks_.add(launcher_.signalContainer(container->id, SIGKILL, true).then([container](Outcome<void>&& swept) {
    if (!swept)
      log::warning("not swept", {{"container", container->id.text()}, {"reason", describe(swept.error())}});
  }));
}

bool ContainerWatch::isOver(const Container& container) const {
  return container.record.state() == record::Container::EXITED || !table_.find(container.id);
}

kj::Promise<void> ContainerWatch::follow(ContainerRef container) {
  auto ended = askShim(container).then([this, container](bool known) -> kj::Promise<bool> {
    if (known) return true;
    return askLauncher(container);
  });
  return ended.then([this, container](bool known) -> kj::Promise<void> {
    if (known || isOver(*container)) return kj::READY_NOW;
    return timer_.afterDelay(pause).then([this, container]() { return follow(container); });
  });
}

kj::Promise<bool> ContainerWatch::askShim(ContainerRef container) {
  auto peer = kj::heap<ipc::RpcPeer>(io_, "shim", shimDirectory_ + "/" + container->id.text() + ".sock");
  auto known = kj::evalNow([&]() {
    auto answer = peer->get<schema::Shim>().waitRequest().send();
    return answer.then([this, container](auto&& response) {
      recordExit(table_, *container, readExit(response.getExit()));
      sweep(container);
      return true;
    });
  });
  return known.catch_([](kj::Exception&&) { return false; }).attach(kj::mv(peer));
}

kj::Promise<bool> ContainerWatch::askLauncher(ContainerRef container) {
  if (isOver(*container)) return true;
  return launcher_.inspect(container->id).then([this, container](Outcome<ContainerFacts>&& facts) {
    bool lost = facts ? facts->state == ContainerFacts::State::lost : facts.error().code == Code::notFound;
    bool exited = facts && facts->state == ContainerFacts::State::exited;
    if (exited) recordExit(table_, *container, facts->exit);
    if (lost) recordLost(table_, *container);
    return exited || lost;
  });
}

void ContainerWatch::taskFailed(kj::Exception&& exception) {
  log::error("watching a container broke", {{"error", ipc::fullText(exception)}});
}

}  // namespace bulkhead::cri
