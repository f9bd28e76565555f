#include <cstddef>
#include <cstdint>

#include "daemons/common/base/image-ref.h"
#include "tests/fuzz/check.h"

using bulkhead::ImageReference;
using bulkhead::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto reference = ImageReference::parse(text, "image");
  if (!reference) return 0;
  auto again = ImageReference::parse(reference->text(), "image");
  check(again && *again == *reference, "a reference reads the same again");
  check(reference->name().find("..") == std::string::npos, "no name climbs");
  for (unsigned char byte : reference->text()) check(byte > ' ' && byte < 0x7f && byte != '%', "plain bytes");
  return 0;
}
