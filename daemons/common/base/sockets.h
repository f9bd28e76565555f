// Inherited sockets, as sd_listen_fds(3) passes them: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, descriptors
// from 3 up.
#pragma once

#include <map>
#include <string>

#include "daemons/common/base/fd.h"

namespace bulkhead {

// Takes all inherited sockets, by name, and removes the variables from the environment. Every one is made
// close-on-exec and checked to be a listening AF_UNIX socket (or, for "stream", an inet one). Throws
// std::runtime_error with a clear text otherwise. Called once, before anything else opens descriptors.
std::map<std::string, Fd> takeInheritedSockets();

// `sockets[name]`, moved out; throws std::runtime_error naming it if it was not passed.
Fd takeSocket(std::map<std::string, Fd>& sockets, const std::string& name);

// Connects to a path; `type` is SOCK_STREAM or SOCK_SEQPACKET, with SOCK_NONBLOCK on an event loop: then a
// full backlog is EAGAIN instead of a wait. An invalid Fd with errno on failure.
Fd connectTo(const std::string& path, int type);

// Listens at a path that only the owner and `group` may connect to; what is there already is replaced.
// Throws SystemError.
Fd listenForGroup(const std::string& path, gid_t group);

// Accepts one connection, close-on-exec. An invalid Fd with errno on failure.
Fd acceptOn(int listener);

}  // namespace bulkhead
