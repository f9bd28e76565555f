// FirstRefusal: runs many checks of one message and keeps the first that fails, so that a translation reads
// as the list of what it demands.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "daemons/common/base/error.h"

namespace bulkhead::cri {

class FirstRefusal {
 public:
  void unless(bool good, std::string field, std::string reason, Code code = Code::invalidArgument) {
    if (!good && !refusal_) refusal_ = Refusal{code, std::move(field), std::move(reason)};
  }
  // The field is known to CRI, and nothing here acts on it: saying so beats ignoring it.
  void unsupported(bool used, std::string field) { unless(!used, std::move(field), "is not supported yet"); }
  void note(const Outcome<void>& outcome) {
    if (!outcome && !refusal_) refusal_ = outcome.error();
  }
  // The value, or a default-constructed one after a refusal.
  template <typename T>
  T take(Outcome<T> outcome) {
    if (outcome) return std::move(*outcome);
    if (!refusal_) refusal_ = std::move(outcome.error());
    return T{};
  }

  explicit operator bool() const { return refusal_.has_value(); }
  [[nodiscard]] tl::unexpected<Refusal> refusal() const { return tl::unexpected<Refusal>(*refusal_); }

 private:
  std::optional<Refusal> refusal_;
};

}  // namespace bulkhead::cri
