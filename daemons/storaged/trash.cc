#include "daemons/storaged/trash.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "daemons/common/base/log.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/scrub.h"

namespace bulkhead::storaged {
namespace {

// A million files on a slow disk; a worker that takes longer is hostile or stuck.
constexpr auto eraseLimit = 15 * kj::MINUTES;
constexpr auto longestPause = 10 * kj::MINUTES;

}  // namespace

Trash::Trash(Store& store, ZygoteClient& zygote, OffLoop& offLoop, kj::Timer& timer, kj::Duration pause)
    : store_(store),
      zygote_(zygote),
      offLoop_(offLoop),
      timer_(timer),
      shortestPause_(pause),
      pause_(pause) {}

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
  auto answer = kj::evalNow(
      [&]() { return awaitAnswer(offLoop_, timer_, zygote_.erase(name), Answer::ERASED, eraseLimit); });
  auto erased = answer.then(
      [this, name](Outcome<ipc::Packet>&& outcome) {
        if (!outcome) return failed(name, describe(outcome.error()));
        if (!store_.removeEmptied(name)) return failed(name, errnoText(errno));
        pause_ = shortestPause_;
      },
      [this, name](kj::Exception&& exception) { failed(name, ipc::fullText(exception)); });
  return erased.then([this]() { return eraseNext(); });
}

// Later again, and less and less often: what is in the way may go, and the space is owed.
void Trash::failed(const LayerName& name, const std::string& reason) {
  log::warning("not erased yet", {{"name", name.text()}, {"reason", reason}});
  later_.push_back(name);
  if (later_.size() > 1) return;
  retry_ = timer_.afterDelay(pause_).then([this]() { again(); }).eagerlyEvaluate(nullptr);
  pause_ = std::min(2 * pause_, longestPause);
}

void Trash::again() {
  for (const LayerName& name : std::exchange(later_, {})) erase(name);
}

kj::Promise<void> Trash::whenEmpty() {
  if (!erasing_) return kj::READY_NOW;
  return timer_.afterDelay(1 * kj::MILLISECONDS).then([this]() { return whenEmpty(); });
}

}  // namespace bulkhead::storaged
