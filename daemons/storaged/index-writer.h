// Every change of the index, one after another, away from the event loop: a commit waits for the disk, and
// whoever only reads must not wait with it. Reads have a connection of their own (parts.h, `index`), which
// sees a change as soon as its promise here resolves (sqlite.org/wal.html).
#pragma once

#include <kj/async.h>

#include <cstdint>
#include <string>

#include "daemons/storaged/index.h"
#include "daemons/storaged/off-loop.h"
#include "daemons/storaged/turnstile.h"

namespace bulkhead::storaged {

class IndexWriter {
 public:
  // `background` holds what was asked for by a caller that left.
  IndexWriter(const std::string& path, OffLoop& offLoop, kj::TaskSet& background)
      : index_(path), offLoop_(offLoop), background_(background) {}

  // `change` runs in a thread, in the order of asking, even if the promise is dropped. What it has to know of
  // the index it asks there and then: what a caller saw on the loop may be out of date.
  template <typename T>
  kj::Promise<T> run(kj::Function<T(Index&)> change) {
    auto changed = turn_.take().then([this, change = kj::mv(change)](Turnstile::Place&& turn) mutable {
      return offLoop_.run<T>([this, change = kj::mv(change)]() mutable { return change(index_); })
          .attach(kj::defer([this]() { ++generation_; }))
          .attach(kj::mv(turn));
    });
    auto forked = changed.fork();
    background_.add(forked.addBranch().then([](T&&) {}));
    return forked.addBranch();
  }

  // Before anybody is served, on the loop.
  Index& atStart() { return index_; }
  // Another number after each change.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

 private:
  Index index_;
  OffLoop& offLoop_;
  kj::TaskSet& background_;
  Turnstile turn_{1};
  std::uint64_t generation_ = 0;
};

}  // namespace bulkhead::storaged
