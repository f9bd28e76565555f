#include "daemons/storaged/helpers.h"

#include <sys/socket.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/process.h"
#include "daemons/common/base/sockets.h"
#include "ipc/convert.h"
#include "ipc/packet.h"
#include "ipc/schema/mount.capnp.h"

namespace bulkhead::storaged {
namespace {

constexpr auto probeLimit = std::chrono::seconds(60);

Fd startZygote(const jail::Start& start, schema::Config::Reader config, Driver driver, int store) {
  auto pair = makeSocketPair(SOCK_SEQPACKET);
  std::vector<std::string> arguments{"--root",         start.options.root,
                                     "--storage-uid",  std::to_string(config.getIdentities().getStorageUid()),
                                     "--storage-gid",  std::to_string(config.getIdentities().getStorageGid()),
                                     "--library",      start.options.library,
                                     "--max-bytes",    std::to_string(config.getPull().getMaxLayerBytes()),
                                     "--max-entries",  std::to_string(config.getPull().getMaxLayerEntries()),
                                     "--device-nodes", config.getPull().getDeviceNodes() ? "allow" : "refuse",
                                     "--driver",       std::string(nameOf(driver))};
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

Helpers startHelpers(jail::Start& start, schema::Config::Reader config, Driver driver) {
  Fd store = openDirectory(start.layout.storage());
  Fd zygote = startZygote(start, config, driver, store.get());
  Fd mounter = startMounter(start, store.get());
  return {std::move(zygote), std::move(mounter)};
}

DriversFound probeDrivers(const jail::Start& start) {
  Fd store = openDirectory(start.layout.storage());
  auto pair = makeSocketPair(SOCK_SEQPACKET);
  pid_t mounter =
      spawnProgram(start.options.library + "/bulkhead-mounter",
                   {"--root", start.options.root, "--probe", "yes"}, {pair.second.get(), store.get()});
  pair.second.reset();
  auto packet = ipc::receivePacket(pair.first.get(), probeLimit);
  (void)waitFor(mounter, probeLimit);
  if (!packet) throw std::runtime_error("the mounter does not say which drivers the store can have");
  auto found = packet->as<schema::DriversFound>();
  return {ipc::toString(found.getOverlay()), ipc::toString(found.getBtrfs())};
}

}  // namespace bulkhead::storaged
