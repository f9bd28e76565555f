// Answer: what every step of a flow and every call to a peer returns: later, a value or a refusal. An
// exception in one is broken machinery.
#pragma once

#include <kj/async.h>

#include <utility>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead::cri {

template <typename T>
using Answer = kj::Promise<Outcome<T>>;

template <typename T>
struct AnswerValue;
template <typename T>
struct AnswerValue<kj::Promise<Outcome<T>>> {
  using Type = T;
};

inline Answer<void> good() {
  return Outcome<void>();
}

template <typename T>
Answer<T> refused(Refusal refusal) {
  return Outcome<T>(tl::unexpected<Refusal>(std::move(refusal)));
}

// Continues with the value of a success (no argument for void); a refusal passes by.
template <typename T, typename Next>
auto andThen(kj::Promise<Outcome<T>> first, Next next) -> decltype(next(std::declval<T>())) {
  using Result = decltype(next(std::declval<T>()));
  using Value = typename AnswerValue<Result>::Type;
  return first.then([next = kj::mv(next)](Outcome<T>&& outcome) mutable -> Result {
    if (!outcome) return refused<Value>(std::move(outcome.error()));
    return next(std::move(*outcome));
  });
}
template <typename Next>
auto andThen(kj::Promise<Outcome<void>> first, Next next) -> decltype(next()) {
  using Result = decltype(next());
  using Value = typename AnswerValue<Result>::Type;
  return first.then([next = kj::mv(next)](Outcome<void>&& outcome) mutable -> Result {
    if (!outcome) return refused<Value>(std::move(outcome.error()));
    return next();
  });
}

// The same answer, a refusal put into other words.
template <typename T, typename Reword>
Answer<T> reworded(Answer<T> answer, Reword reword) {
  return answer.then([reword = kj::mv(reword)](Outcome<T>&& outcome) mutable -> Outcome<T> {
    if (!outcome) return tl::unexpected<Refusal>(reword(std::move(outcome.error())));
    return std::move(outcome);
  });
}

// Waits for all, also after a refusal, and answers the first one in order.
Answer<void> all(std::vector<Answer<void>> answers);

}  // namespace bulkhead::cri
