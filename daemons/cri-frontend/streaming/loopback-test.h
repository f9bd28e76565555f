// What tests of the server share: TCP on loopback.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"

namespace bulkhead::streaming {

inline Fd listenOnLoopback() {
  Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 100) != 0)
    throwErrno("listen");
  return listener;
}

// `url` ends with the port.
inline Fd connectBack(const std::string& url) {
  Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  size_t colon = url.rfind(':');
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(url.substr(colon + 1))));
  if (::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throwErrno("connect");
  return client;
}

}  // namespace bulkhead::streaming
