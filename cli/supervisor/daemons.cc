#include "cli/supervisor/daemons.h"

#include <sys/socket.h>

namespace bulkhead::supervisor {

std::vector<DaemonSpec> daemonsOf(const Layout& layout, const cli::Accounts& accounts,
                                  const cli::Place& streaming) {
  unsigned criGid = accounts.cri.gid;
  return {
      {"imaged",
       "bulkhead-imaged",
       {{"imaged", layout.imagedSocket(), SOCK_STREAM, {accounts.image.uid, criGid}, 0660}},
       {},
       "cri",
       ""},
      {"storaged",
       "bulkhead-storaged",
       {{"storaged", layout.storagedSocket(), SOCK_STREAM, {accounts.storage.uid, criGid}, 0660},
        {"mounter", layout.mounterSocket(), SOCK_SEQPACKET, {}, 0600}},
       {},
       "cri",
       "launcher"},
      {"netd",
       "bulkhead-netd",
       {{"netd", layout.netdSocket(), SOCK_STREAM, {accounts.net.uid, criGid}, 0660}},
       {},
       "cri",
       ""},
      {"launcher",
       "bulkhead-launcher",
       {{"launcher", layout.launcherSocket(), SOCK_SEQPACKET, {0, criGid}, 0660}},
       {},
       "cri",
       ""},
      {"cri",
       "bulkhead-cri",
       {{"cri", layout.criSocket(), SOCK_STREAM, {0, accounts.socketGid}, 0660}},
       {{"stream", streaming}},
       "",
       ""},
  };
}

}  // namespace bulkhead::supervisor
