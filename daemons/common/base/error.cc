#include "daemons/common/base/error.h"

#include <cerrno>
#include <cstring>

namespace bulkhead {

std::string describe(const Refusal& refusal) {
  return refusal.field.empty() ? refusal.reason : refusal.field + ": " + refusal.reason;
}

std::string errnoText(int number) {
  const char* text = ::strerrordesc_np(number);
  return text != nullptr ? text : "error " + std::to_string(number);
}

SystemError::SystemError(std::string_view what, int number)
    : std::runtime_error(std::string(what) + ": " + errnoText(number)), number_(number) {}

void throwErrno(std::string_view what) {
  throw SystemError(what, errno);
}

}  // namespace bulkhead
