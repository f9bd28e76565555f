// What a fetcher reads of a registry's JSON before storaged reads it again, and where it finds signatures.
#include <cstddef>
#include <cstdint>

#include "daemons/imaged/fetcher/documents.h"
#include "daemons/imaged/fetcher/signature-documents.h"
#include "ipc/limits.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;

namespace {

void checkDescriptor(const Outcome<fetcher::Descriptor>& descriptor) {
  if (!descriptor) return;
  fuzz::check(Digest::parse(descriptor->digest.text(), "").has_value(), "a digest is one");
}

void checkSignatures(const std::string& document) {
  if (auto layers = fetcher::attachedLayers(document)) {
    fuzz::check(layers->size() <= limits::signatures, "attachments are bounded");
    for (const auto& layer : *layers) checkDescriptor(layer.payload);
  }
  auto messages = fetcher::messagesOf(document);
  fuzz::check(!messages || messages->size() <= limits::signatures, "messages are bounded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string document(reinterpret_cast<const char*>(data), size);
  checkSignatures(document);
  auto kind = fetcher::kindOf(document);
  if (!kind) return 0;
  if (*kind == fetcher::DocumentKind::index)
    checkDescriptor(fetcher::chooseManifest(document, fetcher::completed({})));
  if (*kind == fetcher::DocumentKind::manifest) checkDescriptor(fetcher::configOf(document));
  return 0;
}
