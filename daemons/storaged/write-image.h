// From the index's view of an image to the schema's.
#pragma once

#include "daemons/storaged/index.h"
#include "ipc/schema/storage.capnp.h"

namespace bulkhead::storaged {

enum class Detail {
  user,  // of the config only its user: a list of a hundred images must fit a message, whatever an image says
  whole,
};

void writeImage(schema::StoredImage::Builder to, const ImageView& view, Detail detail);

}  // namespace bulkhead::storaged
