// For tests: a zygote whose workers are threads of the test, so that storaged's main can be tested without
// root. Its "compression" puts a Z in front, and leaves out the second half of what is twice the same with a
// Z in front; its unpack worker writes what it gets to staging/NAME/closed/diff/content; its erase worker
// fails once on what has a file "stuck"; its lookup worker knows "app", not "nobody", and takes all others
// for root.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "daemons/common/base/fd.h"
#include "ipc/packet.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::storaged {

class FakeZygote {
 public:
  // What a parse worker says of a manifest or a config; called in another thread.
  using Parser = std::function<void(const std::string& document, schema::WorkerResult::Builder)>;

  // How its unpack worker keeps silent, with its answer's pipe open, on content that begins with SLEEP: until
  // the other end is closed. Once.
  using Sleep = std::function<void()>;

  // What a verifier answers; called in another thread.
  using Judge = std::function<void(schema::VerifyInput::Reader, schema::WorkerResult::Builder)>;

  FakeZygote(std::string store, Parser parser, Judge judge);
  // The other end must be closed by then.
  ~FakeZygote();

  // Main's end; once.
  Fd takeSocket() { return std::move(mainEnd_); }

  std::atomic<int> lookups = 0;  // how many it was asked for

 private:
  void serve();

  std::string store_;
  Parser parser_;
  Judge judge_;
  Fd mainEnd_;
  Fd ownEnd_;
  std::promise<void> awake_;
  std::vector<std::thread> workers_;  // of the serving thread
  std::thread server_;
};

}  // namespace bulkhead::storaged
