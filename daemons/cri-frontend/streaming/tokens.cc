#include "daemons/cri-frontend/streaming/tokens.h"

#include <sys/random.h>

#include "daemons/common/base/error.h"

namespace bulkhead::streaming {

std::string randomToken() {
  std::array<unsigned char, 32> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    throwErrno("getrandom");
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string token;
  for (unsigned char byte : random) {
    token += digits[byte >> 4];
    token += digits[byte & 15];
  }
  return token;
}

bool sameToken(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char different = 0;
  for (size_t i = 0; i < a.size(); ++i) different = static_cast<unsigned char>(different | (a[i] ^ b[i]));
  return different == 0;
}

}  // namespace bulkhead::streaming
