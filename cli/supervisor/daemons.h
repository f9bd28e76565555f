// The daemons that `up` starts: their programs, doors and permitted peers. What the systemd units will say,
// too.
#pragma once

#include <string>
#include <vector>

#include "cli/instance.h"

namespace bulkhead::supervisor {

struct SocketSpec {
  std::string name;  // in LISTEN_FDNAMES
  std::string path;
  int type;  // SOCK_STREAM or SOCK_SEQPACKET
  cli::Account owner;
  unsigned mode;
};

// A TCP listener in the network namespace of the supervisor.
struct InetSpec {
  std::string name;
  cli::Place place;
};

struct DaemonSpec {
  std::string name;  // of its control group: "cri"
  std::string program;
  std::vector<SocketSpec> sockets;
  std::vector<InetSpec> inetSockets;
  std::string peer;         // the daemon that may connect; empty: not one of ours
  std::string mounterPeer;  // the same for the socket "mounter"
};

// cri last: whoever can connect to it finds the others' doors open.
std::vector<DaemonSpec> daemonsOf(const Layout& layout, const cli::Accounts& accounts,
                                  const cli::Place& streaming);

}  // namespace bulkhead::supervisor
