// LayerBytes: the archive's bytes as libarchive reads them, never more in one call than such a call may need.
// libarchive holds a header and a sparse file's map whole, and takes their length from the archive.
#pragma once

#include <archive.h>

#include <cstdint>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead::worker {

class LayerBytes {
 public:
  // `input` is borrowed.
  explicit LayerBytes(int input);
  LayerBytes(const LayerBytes&) = delete;
  LayerBytes& operator=(const LayerBytes&) = delete;

  // Makes `reader` read from here, which has to outlive it. False if it will not.
  [[nodiscard]] bool open(archive* reader);

  // Before each call of libarchive's that has to hold what it reads (limits::tarHeader), or not (no limit).
  void expectHeader();
  void expectAnything();
  // The last call wanted more than it was allowed.
  [[nodiscard]] bool exceeded() const { return exceeded_; }

  // The rest, to its end. Refuses invalidArgument (cannot be read), resourceExhausted (more than `limit`).
  Outcome<void> drain(std::uint64_t limit);

 private:
  static la_ssize_t onRead(archive* reader, void* context, const void** bytes);
  [[nodiscard]] ssize_t read();

  int input_;
  std::vector<char> buffer_;
  std::uint64_t allowed_ = 0;
  bool exceeded_ = false;
};

}  // namespace bulkhead::worker
