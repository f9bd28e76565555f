// An image's signature as it is carried and kept by those who never look into it: one serialised
// schema::Signature, copied field by field.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "ipc/schema/image.capnp.h"

namespace bulkhead::ipc {

using PackedSignature = std::string;

// Refuses resourceExhausted over the limits of ipc/limits.h; the same bytes for the same signature.
Outcome<std::vector<PackedSignature>> packSignatures(capnp::List<schema::Signature>::Reader from);
// Throws kj::Exception if `packed` was not made by packSignatures().
void unpackSignatures(const std::vector<PackedSignature>& packed, capnp::List<schema::Signature>::Builder to);

}  // namespace bulkhead::ipc
