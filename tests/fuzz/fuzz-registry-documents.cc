// What a fetcher reads of a registry's JSON before storaged reads it again.
#include <cstddef>
#include <cstdint>

#include "daemons/imaged/fetcher/documents.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;

namespace {

void checkDescriptor(const Outcome<fetcher::Descriptor>& descriptor) {
  if (!descriptor) return;
  fuzz::check(Digest::parse(descriptor->digest.text(), "").has_value(), "a digest is one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string document(reinterpret_cast<const char*>(data), size);
  auto kind = fetcher::kindOf(document);
  if (!kind) return 0;
  if (*kind == fetcher::DocumentKind::index)
    checkDescriptor(fetcher::chooseManifest(document, fetcher::completed({})));
  if (*kind == fetcher::DocumentKind::manifest) checkDescriptor(fetcher::configOf(document));
  return 0;
}
