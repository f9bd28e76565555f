// What a caller may call an image.
#pragma once

#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead::cri {

// An image id ("sha256:" and 64 digits, or the digits alone), answered as "sha256:…", or a reference,
// answered in full
// ("docker.io/library/busybox:latest").
Outcome<std::string> parseImageName(const std::string& text, std::string field);

// Does the reference leave out its registry? Then root's configuration may know it by other names too.
bool isShortName(const std::string& text);

}  // namespace bulkhead::cri
