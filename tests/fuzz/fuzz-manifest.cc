// Index and manifest, with a NUL between the two; without one there is no index.
#include <cstddef>
#include <cstdint>

#include "daemons/storaged/worker/documents.h"
#include "ipc/limits.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t middle = text.find('\0');
  auto index = middle == text.npos ? std::string_view() : text.substr(0, middle);
  auto manifest = worker::parseManifest(index, middle == text.npos ? text : text.substr(middle + 1));
  if (!manifest) return 0;
  fuzz::check(manifest->layers.size() <= limits::imageLayers, "at most 127 layers");
  auto isDigest = [](const Digest& digest) { return Digest::parse(digest.text(), "").has_value(); };
  fuzz::check(isDigest(manifest->configDigest), "the config's digest is one");
  for (const auto& layer : manifest->layers) fuzz::check(isDigest(layer.digest), "a layer's digest is one");
  for (const auto& entry : manifest->indexEntries) fuzz::check(isDigest(entry), "an entry's digest is one");
  return 0;
}
