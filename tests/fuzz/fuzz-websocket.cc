// A client's frames, after one byte that says which protocol and how they are cut.
#include <cstddef>
#include <cstdint>

#include "daemons/cri-frontend/streaming/websocket-framing.h"
#include "tests/fuzz/streams.h"

using namespace bulkhead::streaming;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  WebSocketFraming framing({(data[0] & 1) != 0, (data[0] & 2) != 0});
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  bulkhead::fuzz::Streams streams(framing);
  framing.begin(streams);
  streams.feed(bytes, data[0] >> 2);
  return 0;
}
