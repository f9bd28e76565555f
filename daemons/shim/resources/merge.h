// An update over what a container already has.
#pragma once

#include "daemons/common/base/error.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::resources {

// What `update` does not set stays; huge pages by size, `unified` by key.
void merge(schema::Resources::Reader update, schema::Resources::Builder into);

}  // namespace bulkhead::resources
