// IP addresses as text.
#pragma once

#include <string>

namespace bulkhead {

// A complete IPv4 or IPv6 address, without prefix length or zone.
bool isAddress(const std::string& text);

}  // namespace bulkhead
