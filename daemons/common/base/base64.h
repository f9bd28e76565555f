// RFC 4648 base64, as Go's encoding/base64.StdEncoding reads it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

// Nothing if it is not base64, padded. Line breaks are passed over, as Go does.
std::optional<std::string> decodeBase64(std::string_view text);

// Section 5's alphabet, with or without padding, as JSON Web Signatures have it. Nothing if it is something
// else.
std::optional<std::string> decodeBase64Url(std::string_view text);

}  // namespace bulkhead
