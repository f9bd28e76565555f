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

std::int64_t wallClock() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

}  // namespace

Size ContainerUsage::total() {
  Size total;
  for (const auto& [id, count] : each()) total += count.size;
  return total;
}

std::map<ContainerId, ContainerUsage::Count> ContainerUsage::each() {
  refresh();
  std::map<ContainerId, Count> present;
  for (const ContainerRow& row : parts_.index.containers()) {
    if (auto known = counts_.find(row.id); known != counts_.end()) present.insert(*known);
  }
  return present;
}

void ContainerUsage::refresh() {
  bool never = measuredAt_ == kj::origin<kj::TimePoint>();
  if (measuring_ || (!never && parts_.timer.now() - measuredAt_ < freshFor)) return;
  std::map<ContainerId, Count> kept;
  for (const ContainerRow& row : parts_.index.containers()) {
    queue_.push_back(row.id);
    if (auto known = counts_.find(row.id); known != counts_.end()) kept.insert(*known);
  }
  counts_ = std::move(kept);
  measuring_ = true;
  measurer_ = measureNext().eagerlyEvaluate([this](kj::Exception&& exception) {
    log::error("measuring stopped", {{"error", ipc::fullText(exception)}});
    queue_.clear();
    measuring_ = false;
  });
}

kj::Promise<void> ContainerUsage::measureNext() {
  if (queue_.empty()) {
    measuring_ = false;
    measuredAt_ = parts_.timer.now();
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
    return measureNext();
  });
}

}  // namespace bulkhead::storaged
