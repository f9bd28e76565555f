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

Fd startZygote(const jail::Start& start, schema::Config::Reader config, Driver driver, int store,
               const std::vector<int>& additional) {
  Fd trust = openDirectory(ipc::toString(config.getTrust().getDirectory()));
  auto pair = makeSocketPair(SOCK_SEQPACKET);
  std::vector<std::string> arguments{"--root",         start.options.root,
                                     "--storage-uid",  std::to_string(config.getIdentities().getStorageUid()),
                                     "--storage-gid",  std::to_string(config.getIdentities().getStorageGid()),
                                     "--library",      start.options.library,
                                     "--max-bytes",    std::to_string(config.getPull().getMaxLayerBytes()),
                                     "--max-entries",  std::to_string(config.getPull().getMaxLayerEntries()),
                                     "--device-nodes", config.getPull().getDeviceNodes() ? "allow" : "refuse",
                                     "--driver",       std::string(nameOf(driver)),
                                     "--additional",   std::to_string(additional.size())};
  std::vector<int> descriptors{pair.second.get(), store, trust.get()};
  descriptors.insert(descriptors.end(), additional.begin(), additional.end());
  (void)spawnProgram(start.options.library + "/bulkhead-storage-zygote", arguments, descriptors);
  return std::move(pair.first);
}

Fd startMounter(jail::Start& start, int store, const std::vector<int>& additional) {
  auto pair = makeSocketPair(SOCK_SEQPACKET);
  Fd listener = takeSocket(start.sockets, "mounter");
  // The launcher is the one permitted peer; it is root.
  std::vector<std::string> arguments{"--root", start.options.root, "--peer-uid",
                                     "0",      "--additional",     std::to_string(additional.size())};
  if (!start.options.mounterPeerCgroup.empty()) {
    arguments.insert(arguments.end(), {"--peer-cgroup", start.options.mounterPeerCgroup});
  }
  std::vector<int> descriptors{pair.second.get(), store, listener.get()};
  descriptors.insert(descriptors.end(), additional.begin(), additional.end());
  (void)spawnProgram(start.options.library + "/bulkhead-mounter", arguments, descriptors);
  return std::move(pair.first);
}

}  // namespace

Helpers startHelpers(jail::Start& start, schema::Config::Reader config, Driver driver,
                     std::vector<AdditionalStore>& additional) {
  Fd store = openDirectory(start.layout.storage());
  std::vector<int> others;
  for (const AdditionalStore& other : additional) others.push_back(other.directory.get());
  Fd zygote = startZygote(start, config, driver, store.get(), others);
  Fd mounter = startMounter(start, store.get(), others);
  for (AdditionalStore& other : additional) other.directory.reset();
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
