// Work that would block the event loop, each job in a thread of its own: hashing and pumping layers, syncing
// the disk, waiting for a worker's answer. A job owns all that it touches; the loop gets a promise. Dropping
// the promise does not wait (as kj::Executor's would): a job that should end early is given a descriptor that
// says so.
#pragma once

#include <kj/async.h>
#include <kj/exception.h>
#include <kj/function.h>

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace bulkhead::storaged {

class OffLoop {
 public:
  OffLoop() = default;
  OffLoop(const OffLoop&) = delete;
  OffLoop& operator=(const OffLoop&) = delete;
  // Waits for the jobs that still run.
  ~OffLoop();

  // Called on the loop. An exception of the job rejects the promise.
  template <typename T>
  kj::Promise<T> run(kj::Function<T()> job) {
    auto result = std::make_shared<Result<T>>();
    auto pair = kj::newPromiseAndCrossThreadFulfiller<void>();
    start([job = kj::mv(job), fulfiller = kj::mv(pair.fulfiller), result]() mutable {
      auto failed = kj::runCatchingExceptions([&]() { result->put(job()); });
      KJ_IF_MAYBE (exception, failed) {
        fulfiller->reject(kj::mv(*exception));
      } else {
        fulfiller->fulfill();
      }
    });
    return pair.promise.then([result]() { return result->take(); });
  }

 private:
  // Handed from the job's thread to the loop's.
  template <typename T>
  class Result {
   public:
    void put(T value) {
      std::lock_guard lock(mutex_);
      value_ = std::move(value);
    }
    T take() {
      std::lock_guard lock(mutex_);
      return *std::move(value_);
    }

   private:
    std::mutex mutex_;
    std::optional<T> value_;
  };
  struct Slot {
    explicit Slot(kj::Function<void()> what) : job(kj::mv(what)) {}
    kj::Function<void()> job;
    std::atomic<bool> finished = false;
    std::thread thread;
  };
  void start(kj::Function<void()> job);
  void reap(bool all);

  std::list<Slot> slots_;
};

}  // namespace bulkhead::storaged
