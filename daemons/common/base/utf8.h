// UTF-8 as RFC 3629 defines it: no surrogates, nothing overlong, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace bulkhead {

// Bytes of the character that `text`, which is not empty, begins with; 0 if it begins with none.
size_t utf8CharacterBytes(std::string_view text);
bool isUtf8(std::string_view text);

}  // namespace bulkhead
