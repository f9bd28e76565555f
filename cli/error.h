// What a command says when it cannot do what was asked: main prints it as "bulkheadctl: <message>" and
// exits 1.
#pragma once

#include <stdexcept>
#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead::cli {

class CommandError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The value, or CommandError with the refusal's text.
template <typename T>
T orFail(Outcome<T> outcome) {
  if (!outcome) throw CommandError(describe(outcome.error()));
  return std::move(*outcome);
}

}  // namespace bulkhead::cli
