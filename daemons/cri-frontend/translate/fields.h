// Checks of single fields. Each refuses with invalidArgument and the field's name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead::cri {

// A name in metadata: 1 to 253 printable ASCII bytes without '/', ".." and what separates CNI_ARGS (';', '=',
// backslash, blank): names end up in labels, arguments and logs of many programs.
Outcome<void> checkName(std::string_view text, std::string field);

// Absolute, shorter than PATH_MAX, no NUL or other control byte, no "." or ".." component.
Outcome<void> checkAbsolutePath(std::string_view text, std::string field);
// The same beneath some directory.
Outcome<void> checkRelativePath(std::string_view text, std::string field);

// UTF-8 without NUL, as the OCI runtime's JSON needs it, and not longer than what execve(2) takes.
Outcome<void> checkArgument(std::string_view text, std::string field);

// A uid or gid: 0 to 2^32-2 (2^32-1 means "no change" to the kernel).
Outcome<uint32_t> checkUserNumber(int64_t number, std::string field);

// No blank, no control byte: one word of a line in a configuration file.
bool isWord(std::string_view text);

// "config.mounts[3]"
std::string indexed(std::string_view list, int index);

}  // namespace bulkhead::cri
