// Pump: bytes from one pipe to another, hashed on the way, never more than a limit. Non-blocking: the caller
// polls. A sink that closes does not stop the pump: it goes on hashing, so that a wrong digest is told from a
// hostile archive.
#pragma once

#include <poll.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "daemons/common/base/digest-stream.h"
#include "daemons/common/base/fd.h"

namespace bulkhead::storaged {

class Pump {
 public:
  // Takes both ends and makes them non-blocking. `limit` in bytes.
  Pump(Fd source, Fd sink, std::uint64_t limit);

  [[nodiscard]] std::uint64_t limit() const { return limit_; }
  // What to poll for; fd -1 once the pump is done.
  [[nodiscard]] pollfd waitsFor() const;
  // Moves what can be moved now, up to a few buffers, so that two pumps in one loop are both served. Throws
  // SystemError for what no peer can cause.
  void advance();

  [[nodiscard]] bool done() const { return ended_; }
  [[nodiscard]] bool overLimit() const { return overLimit_; }
  [[nodiscard]] bool sinkLost() const { return sinkLost_; }
  [[nodiscard]] std::uint64_t count() const { return hash_.count(); }
  // Of everything read; once, after done().
  Digest digest() { return hash_.finish(); }

 private:
  // Each moves one buffer; false: wait for the descriptor.
  bool fill();
  bool drain();
  void end();

  Fd source_;
  Fd sink_;
  std::uint64_t limit_;
  DigestStream hash_;
  std::vector<char> buffer_;
  std::string_view pending_;  // of buffer_, read and not yet written
  bool ended_ = false;
  bool overLimit_ = false;
  bool sinkLost_ = false;
};

}  // namespace bulkhead::storaged
