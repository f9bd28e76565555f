// Absolute paths of the host, compared by whole components.
#pragma once

#include <string>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead::ceiling {

// `text` without doubled, trailing and "." components; refuses, naming `field`, what is not absolute, is
// longer than PATH_MAX, holds NUL, or has "..".
Outcome<std::string> parseHostPath(std::string_view text, std::string field);

// Is `path` the same as `above`, or beneath it? Both as parseHostPath returns them.
bool isBeneath(std::string_view path, std::string_view above);

}  // namespace bulkhead::ceiling
