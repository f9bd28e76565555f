#include "daemons/imaged/wipe.h"

#include <cstring>

namespace bulkhead::imaged {
namespace {

// An empty text may be a constant of the library's.
void overwrite(const void* bytes, size_t size) {
  if (size > 0) ::explicit_bzero(const_cast<void*>(bytes), size);
}

}  // namespace

void wipe(capnp::Text::Reader text) {
  overwrite(text.begin(), text.size());
}

void wipe(capnp::Data::Reader data) {
  overwrite(data.begin(), data.size());
}

void wipe(schema::Auth::Reader auth) {
  wipe(auth.getUsername());
  wipe(auth.getPassword());
  wipe(auth.getAuth());
  wipe(auth.getIdentityToken());
  wipe(auth.getRegistryToken());
}

void wipe(capnp::MessageBuilder& message) {
  for (auto segment : message.getSegmentsForOutput()) overwrite(segment.begin(), segment.asBytes().size());
}

}  // namespace bulkhead::imaged
