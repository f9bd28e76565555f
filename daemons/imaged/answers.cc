#include "daemons/imaged/answers.h"

namespace bulkhead::imaged {

Refusal claimed(schema::Refusal::Reader from) {
  constexpr size_t longestField = 256;
  Refusal refusal = ipc::readRefusal(from);
  refusal.field = refusal.field.substr(0, longestField);
  return refusal;
}

}  // namespace bulkhead::imaged
