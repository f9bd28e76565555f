// Framing: one connection's bytes to numbered streams and back, without I/O. Whatever comes is a stranger's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead::streaming {

using StreamId = uint32_t;
using StreamHeaders = std::vector<std::pair<std::string, std::string>>;  // names in lower case

// What the client does. Called by Framing::feed, which it may not call.
class Receiver {
 public:
  // False refuses the stream; nothing more is heard of it.
  virtual bool opened(StreamId stream, const StreamHeaders& headers) = 0;
  // `bytes` are the caller's. What is not wanted must still be told to consumed().
  virtual void received(StreamId stream, std::string_view bytes) = 0;
  virtual void ended(StreamId stream) = 0;    // the client sends no more on it
  virtual void dropped(StreamId stream) = 0;  // nor does it want any more of it

 protected:
  ~Receiver() = default;
};

class Framing {
 public:
  virtual ~Framing() = default;

  // Before everything else: the streams that are there without being opened, and what is said unasked.
  virtual void begin(Receiver& receiver) = 0;
  // Takes all of `bytes`; keeps at most one unfinished control frame of them. A refusal: not this protocol,
  // or the client closes: nothing more is to be fed, what output() holds may still be sent.
  virtual Outcome<void> feed(std::string_view bytes, Receiver& receiver) = 0;

  // How many bytes the client takes on this stream now. 0 for a stream that is none.
  [[nodiscard]] virtual size_t room(StreamId stream) const = 0;
  // At most room() of them.
  virtual void send(StreamId stream, std::string_view bytes) = 0;
  // Nothing more will be sent on it.
  virtual void end(StreamId stream) = 0;
  // So many received bytes need no more memory: the client may send as many again.
  virtual void consumed(StreamId stream, size_t bytes) = 0;
  // Says goodbye.
  virtual void close() = 0;

  // What is to be sent to the client; whoever sends it removes it.
  std::string& output() { return output_; }
  [[nodiscard]] const std::string& output() const { return output_; }

 protected:
  void put(std::string_view bytes) { output_ += bytes; }

 private:
  std::string output_;
};

}  // namespace bulkhead::streaming
