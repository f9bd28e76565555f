#include "daemons/cri-frontend/stats/stats-reader.h"

namespace bulkhead::cri {

StatsReader::~StatsReader() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

kj::Promise<GroupsStats> StatsReader::read(std::vector<std::string> groups) {
  auto answer = kj::newPromiseAndCrossThreadFulfiller<Readings>();
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({std::move(groups), kj::mv(answer.fulfiller)});
  }
  if (!thread_.joinable()) thread_ = std::thread([this]() { loop(); });
  changed_.notify_one();
  return answer.promise.then([this](Readings&& readings) { return withRates(std::move(readings)); });
}

GroupsStats StatsReader::withRates(Readings&& readings) {
  GroupsStats all;
  if (!readings.empty()) rates_.forgetOld(readings.begin()->second.steady);
  for (auto& [group, reading] : readings) {
    std::optional<uint64_t> cores;
    if (reading.cpu) cores = rates_.add(group, reading.steady, reading.cpu->usage);
    all.emplace(group, GroupStats{std::move(reading), cores});
  }
  return all;
}

void StatsReader::loop() {
  while (true) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this]() { return ending_ || !queue_.empty(); });
    if (ending_) return;
    Work work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   Readings readings;
                   for (const auto& group : work.groups) {
                     if (auto reading = tree_.read(group)) readings.emplace(group, std::move(*reading));
                   }
                   work.done->fulfill(kj::mv(readings));
                 })) {
      work.done->reject(kj::mv(*exception));
    }
  }
}

}  // namespace bulkhead::cri
