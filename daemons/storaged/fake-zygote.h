// For tests: a zygote whose workers are threads of the test, so that storaged's main can be tested without
// root. Its "compression" puts a Z in front; its unpack worker writes what it gets to
// staging/NAME/diff/content.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "daemons/common/base/fd.h"
#include "ipc/packet.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::storaged {

class FakeZygote {
 public:
  // What the parse worker says of documents; called in another thread.
  using Parser = std::function<void(const std::string& manifest, schema::WorkerResult::Builder)>;

  FakeZygote(std::string store, Parser parser);
  // The other end must be closed by then.
  ~FakeZygote();

  // Main's end; once.
  Fd takeSocket() { return std::move(mainEnd_); }

 private:
  void serve();

  std::string store_;
  Parser parser_;
  Fd mainEnd_;
  Fd ownEnd_;
  std::vector<std::thread> workers_;  // of the serving thread
  std::thread server_;
};

}  // namespace bulkhead::storaged
