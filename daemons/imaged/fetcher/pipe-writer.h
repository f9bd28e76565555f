// PipeWriter: writes to a pipe whose reader may be slow, without being deaf to main's hang-up meanwhile.
#pragma once

#include <string_view>

#include "daemons/common/base/fd.h"

namespace bulkhead::fetcher {

class PipeWriter {
 public:
  // Makes the pipe non-blocking. `control` as in HttpClient. Throws SystemError.
  PipeWriter(Fd pipe, int control);

  // All of `bytes`. False if the reader is gone, or takes nothing for half an hour. Throws HungUp.
  [[nodiscard]] bool write(std::string_view bytes);

 private:
  [[nodiscard]] bool waitForRoom() const;

  Fd pipe_;
  int control_;
};

}  // namespace bulkhead::fetcher
