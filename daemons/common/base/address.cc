#include "daemons/common/base/address.h"

#include <arpa/inet.h>

namespace bulkhead {

bool isAddress(const std::string& text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string::npos) return false;
  struct in6_addr parsed {};
  return ::inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

}  // namespace bulkhead
