// Which proxy a request takes: the rules of Go's programs (golang.org/x/net/http/httpproxy), which the rest
// of a node follows too.
#pragma once

#include <string>
#include <string_view>

#include "daemons/imaged/fetcher/url.h"

namespace bulkhead::fetcher {

struct Proxies {
  std::string http;   // of plain HTTP: a URL, maybe with user and password; never logged
  std::string https;  // of HTTPS
  std::string noProxy;
};

// The proxy's URL; empty: go there directly. Loopback is always reached directly.
std::string proxyFor(const Url& url, const Proxies& proxies);

// Does an entry of `noProxy` (by commas) name this host? "*", "host" (and its subdomains), ".domain" (only
// those), an address, a network ("10.0.0.0/8"); each but a network may have ":port". `host` as Url::host().
bool isExempt(std::string_view host, std::string_view port, std::string_view noProxy);

}  // namespace bulkhead::fetcher
