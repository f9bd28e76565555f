#include "ipc/convert.h"

namespace bulkhead::ipc {

std::string toString(capnp::Text::Reader text) {
  return {text.begin(), text.size()};
}

std::string toString(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

capnp::Data::Reader toData(std::string_view bytes) {
  return {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()};
}

void writeRefusal(schema::Refusal::Builder to, const Refusal& refusal) {
  constexpr size_t longest = 1024;
  to.setCode(static_cast<schema::Refusal::Code>(refusal.code));
  to.setField(refusal.field);
  to.setReason(refusal.reason.substr(0, longest));
}

Refusal readRefusal(schema::Refusal::Reader from) {
  auto number = static_cast<unsigned>(from.getCode());
  bool known = number <= static_cast<unsigned>(Code::internal);
  return {known ? static_cast<Code>(number) : Code::internal, toString(from.getField()),
          toString(from.getReason())};
}

}  // namespace bulkhead::ipc
