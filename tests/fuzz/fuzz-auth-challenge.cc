#include <cstddef>
#include <cstdint>

#include "daemons/imaged/fetcher/auth-challenge.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto challenges = bulkhead::fetcher::parseChallenges({reinterpret_cast<const char*>(data), size});
  bulkhead::fuzz::check(challenges.size() <= size, "no more challenges than bytes");
  for (const auto& challenge : challenges) {
    for (unsigned char byte : challenge.scheme)
      bulkhead::fuzz::check(byte > ' ' && byte < 0x7f && !(byte >= 'A' && byte <= 'Z'),
                            "a scheme is a lower token");
    for (const auto& [name, value] : challenge.parameters)
      bulkhead::fuzz::check(!name.empty() && name.size() + value.size() <= size,
                            "parameters come from the text");
  }
  return 0;
}
