#include "daemons/storaged/container-usage.h"

#include <chrono>
#include <utility>

#include "daemons/common/base/log.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/scrub.h"

namespace bulkhead::storaged {
namespace {

constexpr auto freshFor = 10 * kj::SECONDS;
constexpr auto measureLimit = 2 * kj::MINUTES;
constexpr auto patience = 500 * kj::MILLISECONDS;  // of who asks, with a container that was never counted

std::int64_t wallClock() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

}  // namespace

Size ContainerUsage::total() {
  refresh();
  Size total;
  for (const auto& [id, count] : present()) total += count.size;
  return total;
}

kj::Promise<std::map<ContainerId, ContainerUsage::Count>> ContainerUsage::each() {
  refresh();
  return newcomersCounted().exclusiveJoin(parts_.timer.afterDelay(patience)).then([this]() {
    return present();
  });
}

std::map<ContainerId, ContainerUsage::Count> ContainerUsage::present() {
  std::map<ContainerId, Count> present;
  for (const ContainerRow& row : parts_.index.containers()) {
    if (auto known = counts_.find(row.id); known != counts_.end()) present.insert(*known);
  }
  return present;
}

void ContainerUsage::refresh() {
  bool never = measuredAt_ == kj::origin<kj::TimePoint>();
  if (!measuring_ && (never || parts_.timer.now() - measuredAt_ >= freshFor)) {
    counts_ = present();
    for (const auto& [id, count] : counts_) queue_.push_back(id);
    all_ = true;
  }
  for (const ContainerRow& row : parts_.index.containers()) {
    if (counts_.contains(row.id) || !newcomers_.insert(row.id).second) continue;
    queue_.push_back(row.id);
  }
  if (!measuring_ && !queue_.empty()) start();
}

void ContainerUsage::start() {
  measuring_ = true;
  measurer_ = measureNext().eagerlyEvaluate([this](kj::Exception&& exception) {
    log::error("measuring stopped", {{"error", ipc::fullText(exception)}});
    queue_.clear();
    newcomers_.clear();
    waiting_.clear();
    measuring_ = false;
  });
}

kj::Promise<void> ContainerUsage::measureNext() {
  if (queue_.empty()) {
    if (std::exchange(all_, false)) measuredAt_ = parts_.timer.now();
    measuring_ = false;
    return kj::READY_NOW;
  }
  ContainerId id = std::move(queue_.back());
  queue_.pop_back();
  // A pipe that cannot be made is a rejection too: whoever waits for the end must hear of it.
  auto answer = kj::evalNow([&]() {
    return awaitAnswer(parts_.offLoop, parts_.timer, parts_.zygote.measure(id), Answer::MEASURED,
                       measureLimit);
  });
  return answer.then([this, id](Outcome<ipc::Packet>&& measured) {
    if (measured) {
      auto counted = measured->as<schema::WorkerResult>().getMeasured();
      counts_[id] = {{counted.getBytes(), counted.getInodes(), 0}, wallClock()};
    }
    tried(id);
    return measureNext();
  });
}

kj::Promise<void> ContainerUsage::newcomersCounted() {
  if (newcomers_.empty()) return kj::READY_NOW;
  auto counted = kj::newPromiseAndFulfiller<void>();
  waiting_.push_back(kj::mv(counted.fulfiller));
  return kj::mv(counted.promise);
}

// One that cannot be counted now is tried again at the next question.
void ContainerUsage::tried(const ContainerId& id) {
  newcomers_.erase(id);
  if (!newcomers_.empty()) return;
  for (auto& one : waiting_) one->fulfill();
  waiting_.clear();
}

}  // namespace bulkhead::storaged
