// Which addresses a fetcher may connect to. A registry, its redirects and its token server are named by
// strangers; without this they could aim us at the node's own services or at a cloud's metadata address.
#pragma once

#include <sys/socket.h>

#include <string>

namespace bulkhead::fetcher {

// False for loopback, link-local, site-local, unspecified ("this host"), multicast and broadcast addresses
// and the clouds' metadata addresses, also when an IPv4 one of these hides in an IPv6 address (mapped,
// compatible, NAT64), for 6to4 and local NAT64 altogether, and for families other than IPv4 and IPv6.
bool isPublicTarget(const struct sockaddr& address);

// The same of a URL's host, if that is a literal address (IPv6 in brackets). A name is nobody's until it is
// looked up, and passes.
bool isPublicHost(const std::string& host);

}  // namespace bulkhead::fetcher
