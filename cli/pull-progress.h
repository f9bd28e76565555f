// Pulls an image and shows how far it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "bulkhead/admin/v1/admin.pb.h"
#include "cli/client.h"

namespace bulkhead::cli {

// "3/7 layers  12.1 MiB / 40.0 MiB  8.4 MiB/s  fetching". `elapsed` is since the pull began.
std::string progressText(const bulkhead::admin::v1::Pull& pull, std::chrono::milliseconds elapsed);

// Pulls `reference` and returns the image's reference as the daemon answered. On a terminal one line on `out`
// (which is file descriptor `fd`) is redrawn every 100 ms; elsewhere one line is written at the end. Throws
// CommandError.
std::string pullImage(const Target& target, const std::string& reference, std::ostream& out, int fd);

}  // namespace bulkhead::cli
