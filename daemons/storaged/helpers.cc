#include "daemons/storaged/helpers.h"

#include <sys/socket.h>

#include <string>
#include <vector>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/process.h"
#include "daemons/common/base/sockets.h"

namespace bulkhead::storaged {
namespace {

Fd startZygote(const jail::Start& start, schema::Config::Reader config, int store) {
  auto pair = makeSocketPair(SOCK_SEQPACKET);
  std::vector<std::string> arguments{
      "--root",         start.options.root,
      "--storage-uid",  std::to_string(config.getIdentities().getStorageUid()),
      "--storage-gid",  std::to_string(config.getIdentities().getStorageGid()),
      "--library",      start.options.library,
      "--max-bytes",    std::to_string(config.getPull().getMaxLayerBytes()),
      "--max-entries",  std::to_string(config.getPull().getMaxLayerEntries()),
      "--device-nodes", config.getPull().getDeviceNodes() ? "allow" : "refuse"};
  (void)spawnProgram(start.options.library + "/bulkhead-storage-zygote", arguments,
                     {pair.second.get(), store});
  return std::move(pair.first);
}

Fd startMounter(jail::Start& start, int store) {
  auto pair = makeSocketPair(SOCK_SEQPACKET);
  Fd listener = takeSocket(start.sockets, "mounter");
  // The launcher is the one permitted peer; it is root.
  std::vector<std::string> arguments{"--root", start.options.root, "--peer-uid", "0"};
  if (!start.options.mounterPeerCgroup.empty()) {
    arguments.insert(arguments.end(), {"--peer-cgroup", start.options.mounterPeerCgroup});
  }
  (void)spawnProgram(start.options.library + "/bulkhead-mounter", arguments,
                     {pair.second.get(), store, listener.get()});
  return std::move(pair.first);
}

}  // namespace

Helpers startHelpers(jail::Start& start, schema::Config::Reader config) {
  Fd store = openDirectory(start.layout.storage());
  Fd zygote = startZygote(start, config, store.get());
  Fd mounter = startMounter(start, store.get());
  return {std::move(zygote), std::move(mounter)};
}

}  // namespace bulkhead::storaged
