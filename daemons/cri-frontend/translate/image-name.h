// What a caller may call an image.
#pragma once

#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead::cri {

// An image id ("sha256:" and 64 digits, or the digits alone), answered as "sha256:…", or a reference,
// answered in full
// ("docker.io/library/busybox:latest").
Outcome<std::string> parseImageName(const std::string& text, std::string field);

}  // namespace bulkhead::cri
