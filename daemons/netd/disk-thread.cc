#include "daemons/netd/disk-thread.h"

#include <kj/exception.h>

namespace bulkhead::netd {

DiskThread::DiskThread() : thread_([this]() { loop(); }) {}

DiskThread::~DiskThread() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

kj::Promise<void> DiskThread::run(std::function<void()> job) {
  auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({std::move(job), kj::mv(paf.fulfiller)});
  }
  changed_.notify_one();
  return kj::mv(paf.promise);
}

void DiskThread::loop() {
  while (true) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this]() { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Work work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { work.job(); })) {
      work.done->reject(kj::mv(*exception));
    } else {
      work.done->fulfill();
    }
  }
}

}  // namespace bulkhead::netd
