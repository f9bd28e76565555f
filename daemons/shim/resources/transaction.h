// Writes to the kernel's small files, of which either all stay or none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead::resources {

class Transaction {
 public:
  Transaction() = default;
  // Puts back what was there, the last write first, so that every step is one that was valid before; what
  // cannot be put back is logged.
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // 0, or the errno of the first step that failed. `file` is a name in `directory`.
  int write(int directory, const std::string& file, const std::string& value);
  void keep() { done_.clear(); }

 private:
  struct Done {
    Fd file;
    std::string name;
    std::string before;
  };
  std::vector<Done> done_;
};

// What such a file says, without the end of its line; nothing if there is none.
std::optional<std::string> readValue(int directory, const std::string& file);

}  // namespace bulkhead::resources
