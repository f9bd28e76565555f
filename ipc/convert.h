// Between the types of base and those of the schema.
#pragma once

#include <capnp/blob.h>

#include <string>
#include <string_view>

#include "daemons/common/base/error.h"
#include "ipc/schema/common.capnp.h"

namespace bulkhead::ipc {

std::string toString(capnp::Text::Reader text);
std::string toString(capnp::Data::Reader data);
capnp::Data::Reader toData(std::string_view bytes);

// `reason` is cut at 1 KiB.
void writeRefusal(schema::Refusal::Builder to, const Refusal& refusal);
// An unknown code becomes internal: the peer may be newer or hostile.
Refusal readRefusal(schema::Refusal::Reader from);

}  // namespace bulkhead::ipc
