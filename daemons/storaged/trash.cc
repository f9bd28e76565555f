#include "daemons/storaged/trash.h"

#include <cerrno>
#include <utility>

#include "daemons/common/base/log.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/scrub.h"

namespace bulkhead::storaged {
namespace {

// A million files on a slow disk; a worker that takes longer is hostile or stuck.
constexpr auto eraseLimit = 15 * kj::MINUTES;

}  // namespace

Trash::Trash(Store& store, ZygoteClient& zygote, OffLoop& offLoop, kj::Timer& timer)
    : store_(store), zygote_(zygote), offLoop_(offLoop), timer_(timer) {}

void Trash::discard(Store::Place place, const std::string& name) {
  try {
    if (auto fresh = store_.toTrash(place, name)) erase(*fresh);
  } catch (const SystemError& error) {
    log::error("cannot discard", {{"name", name}, {"error", error.what()}});
  }
}

void Trash::erase(const LayerName& name) {
  queue_.push_back(name);
  if (std::exchange(erasing_, true)) return;
  eraser_ = eraseNext().eagerlyEvaluate([this](kj::Exception&& exception) {
    log::error("erasing stopped", {{"error", ipc::fullText(exception)}});
    erasing_ = false;
  });
}

kj::Promise<void> Trash::eraseNext() {
  if (queue_.empty()) {
    erasing_ = false;
    return kj::READY_NOW;
  }
  LayerName name = std::move(queue_.front());
  queue_.pop_front();
  auto answer = awaitAnswer(offLoop_, timer_, zygote_.erase(name), Answer::ERASED, eraseLimit);
  return answer.then([this, name](Outcome<ipc::Packet>&& erased) {
    if (!erased) {
      log::warning("not erased", {{"name", name.text()}, {"reason", describe(erased.error())}});
    } else if (!store_.removeEmptied(name)) {
      log::warning("not empty after erasing", {{"name", name.text()}, {"error", errnoText(errno)}});
    }
    return eraseNext();
  });
}

kj::Promise<void> Trash::whenEmpty() {
  if (!erasing_) return kj::READY_NOW;
  return timer_.afterDelay(1 * kj::MILLISECONDS).then([this]() { return whenEmpty(); });
}

}  // namespace bulkhead::storaged
