// Operations that are running now, by key: who asks for one that already runs joins it instead of starting a
// second. An operation once started runs to its end, whoever stops waiting.
#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/refcount.h>

#include <map>
#include <string>

#include "daemons/common/base/log.h"
#include "ipc/scrub.h"

namespace bulkhead::cri {

template <typename T>
class InFlight final : private kj::TaskSet::ErrorHandler {
 public:
  InFlight() : keepers_(*this) {}

  // `start` is called at once if nothing runs under `key`, never otherwise.
  kj::Promise<T> join(const std::string& key, kj::Function<kj::Promise<T>()> start) {
    auto found = running_.find(key);
    if (found == running_.end()) {
      found = running_.emplace(key, kj::evalNow([&start]() { return start(); }).fork()).first;
      keep(key, found->second.addBranch());
    }
    return found->second.addBranch();
  }

  // Resolves when nothing runs under `key`; the outcome is somebody else's business.
  kj::Promise<void> settled(const std::string& key) {
    auto found = running_.find(key);
    if (found == running_.end()) return kj::READY_NOW;
    return found->second.addBranch().then([](T&&) {}, [](kj::Exception&&) {});
  }

 private:
  void keep(const std::string& key, kj::Promise<T> branch) {
    keepers_.add(
        branch.then([](T&&) {}, [](kj::Exception&&) {}).then([this, key]() { running_.erase(key); }));
  }
  void taskFailed(kj::Exception&& exception) override {
    log::error("operation broke", {{"error", ipc::fullText(exception)}});
  }

  std::map<std::string, kj::ForkedPromise<T>> running_;
  kj::TaskSet keepers_;
};

// The same for work that is worth doing only while somebody waits for it: it ends when the last one leaves.
template <typename T>
class WhileWanted {
 public:
  kj::Promise<T> join(const std::string& key, kj::Function<kj::Promise<T>()> start) {
    if (auto found = running_.find(key); found != running_.end()) return branchOf(*found->second);
    auto work = kj::evalNow([&start]() { return start(); });
    // Done or given up, whoever comes later starts anew.
    auto run = kj::refcounted<Run>(work.attach(kj::defer([this, key]() { running_.erase(key); })).fork());
    running_.emplace(key, run.get());
    return branchOf(*run);
  }

 private:
  struct Run final : public kj::Refcounted {
    explicit Run(kj::ForkedPromise<T> forked) : work(kj::mv(forked)) {}
    kj::ForkedPromise<T> work;
  };
  kj::Promise<T> branchOf(Run& run) { return run.work.addBranch().attach(kj::addRef(run)); }

  std::map<std::string, Run*> running_;  // owned by those who wait
};

}  // namespace bulkhead::cri
