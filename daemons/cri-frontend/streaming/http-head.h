// The one HTTP request that a connection may make: an upgrade (RFC 9110, section 7.8; RFC 6455, section 4.2),
// and what is answered.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace bulkhead::streaming {

enum class Transport { spdy, webSocket };

struct Upgrade {
  std::string path;  // "/exec/TOKEN", without a query
  Transport transport = Transport::spdy;
  std::vector<std::string> protocols;  // as the client prefers them
  std::string key;                     // of a WebSocket: Sec-WebSocket-Key
};

// Of `bytes`, how many are the head with the empty line that ends it; 0 if it is not whole yet.
size_t headLength(std::string_view bytes);

// What a whole head asks for; else the status, a 4xx, that it is answered with.
tl::expected<Upgrade, int> parseHead(std::string_view head);

// 101 Switching Protocols. `protocol` is one of the client's; empty: none was named.
std::string acceptance(const Upgrade& upgrade, const std::string& protocol);
// `status` is a 4xx. `accepted` names the protocols that would have done, for 403.
std::string refusal(int status, const std::vector<std::string>& accepted = {});

}  // namespace bulkhead::streaming
