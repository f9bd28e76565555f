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

struct DaemonSpec {
  std::string name;  // of its control group: "cri"
  std::string program;
  std::vector<SocketSpec> sockets;
  std::string peer;         // the daemon that may connect; empty: not one of ours
  std::string mounterPeer;  // the same for the socket "mounter"
};

// cri last: whoever can connect to it finds the others' doors open.
std::vector<DaemonSpec> daemonsOf(const Layout& layout, const cli::Accounts& accounts);

}  // namespace bulkhead::supervisor
