// A manifest of Docker's schema 1, and the config that is made of it.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "daemons/storaged/worker/documents.h"
#include "daemons/storaged/worker/schema1.h"
#include "ipc/limits.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto manifest = worker::parseSchema1(text);
  if (!manifest) return 0;
  fuzz::check(worker::saysSchema1(text), "it says what it is");
  fuzz::check(manifest->payloadBytes <= size, "what is signed is in the document");
  std::vector<Digest> ids;
  for (const auto& layer : manifest->layers) {
    fuzz::check(Digest::parse(layer.digest.text(), "").has_value(), "a layer's digest is one");
    if (!layer.empty) ids.push_back(layer.digest);
  }
  fuzz::check(!ids.empty() && ids.size() <= limits::imageLayers, "1 to 127 layers");
  auto config = worker::configOfSchema1(text, ids);
  fuzz::check(config.has_value(), "what was read can be converted");
  auto read = worker::parseConfig(*config);
  if (read) fuzz::check(read->diffIds == ids, "the config lists the layers");
  return 0;
}
