// One thread for work that waits for a disk, so that the event loop does not.
#pragma once

#include <kj/async.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace bulkhead::netd {

class DiskThread {
 public:
  // Start it after confinement: the walls are raised while there is one thread.
  DiskThread();
  // Finishes what is queued.
  ~DiskThread();

  // Runs `job` on the thread, in order of the calls. An exception of the job rejects the promise. Dropping
  // the promise neither waits for the job nor cancels it.
  kj::Promise<void> run(std::function<void()> job);

 private:
  struct Work {
    std::function<void()> job;
    kj::Own<kj::CrossThreadPromiseFulfiller<void>> done;
  };
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace bulkhead::netd
