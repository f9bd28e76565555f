// Endpoint: what a session connects its client with. Made by whoever gave out the token, once the client's
// streams are there.
#pragma once

#include "daemons/common/base/fd.h"
#include "daemons/cri-frontend/answer.h"

namespace bulkhead::streaming {

struct Descriptors {
  Fd in;   // written to; closing it ends the command's input
  Fd out;  // read from until end of file (of a terminal: EIO)
  Fd err;
};

class Endpoint {
 public:
  // Dropping it gives the command up (an exec's is killed; an attached one's goes on).
  virtual ~Endpoint() noexcept(false) = default;

  // Called once. Output that nobody asked for is read and dropped. Of a terminal `in` and `out` are
  // duplicates of one master, and there is no `err`.
  virtual Descriptors takeDescriptors() = 0;
  // Only of a terminal, after takeDescriptors().
  virtual void resize(uint16_t width, uint16_t height) = 0;
  // The exit code, 0 to 255, or why there is none; called once. What the command wrote before is in `out` and
  // `err` by then.
  virtual cri::Answer<int> ended() = 0;
};

}  // namespace bulkhead::streaming
