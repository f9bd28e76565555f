#include "daemons/cri-frontend/answer.h"

namespace bulkhead::cri {

Answer<void> all(std::vector<Answer<void>> answers) {
  auto builder = kj::heapArrayBuilder<Answer<void>>(answers.size());
  for (auto& answer : answers) builder.add(kj::mv(answer));
  return kj::joinPromises(builder.finish()).then([](kj::Array<Outcome<void>>&& outcomes) -> Outcome<void> {
    for (auto& outcome : outcomes) {
      if (!outcome) return outcome;
    }
    return {};
  });
}

}  // namespace bulkhead::cri
