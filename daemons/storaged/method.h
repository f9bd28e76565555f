// How the methods of storaged's servers run: whatever they throw is scrubbed at the border.
#pragma once

#include "ipc/scrub.h"

namespace bulkhead::storaged {

// A method that answers at once.
template <typename Body>
kj::Promise<void> answerNow(const char* call, Body body) {
  return ipc::scrubbed(call, kj::evalNow([&]() -> kj::Promise<void> {
                         body();
                         return kj::READY_NOW;
                       }));
}

// A method whose `body` returns the promise of its answer.
template <typename Body>
kj::Promise<void> answerLater(const char* call, Body body) {
  return ipc::scrubbed(call, kj::evalNow([&]() -> kj::Promise<void> { return body(); }));
}

}  // namespace bulkhead::storaged
