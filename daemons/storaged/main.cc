// bulkhead-storaged: keeps images and writable layers (README.md says what this process is and is not).
#include <sys/mount.h>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/priority.h"
#include "daemons/common/base/sockets.h"
#include "daemons/common/config/load.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/common/jail/view.h"
#include "daemons/storaged/daemon.h"
#include "daemons/storaged/driver-choice.h"
#include "daemons/storaged/helpers.h"
#include "daemons/storaged/signature-check.h"
#include "daemons/storaged/store.h"
#include "ipc/convert.h"

namespace bulkhead::storaged {
namespace {

// The store and /proc, and nothing else of the host's. nodev: layers have device nodes that main could
// otherwise open, since the directories above them are its own.
void enterView(const std::string& store) {
  constexpr unsigned inert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  std::vector<jail::Piece> pieces;
  pieces.push_back({jail::cloneMount(openDirectory(store).get(), inert), store});
  pieces.push_back({jail::cloneMount(openDirectory("/proc").get(), inert), "/proc"});
  jail::enterView(pieces);
}

PullLimits pullLimits(schema::Pull::Reader config) {
  return {config.getMaxLayerBytes(), config.getMaxImageBytes(), config.getMaxImageEntries(),
          config.getMaxCompressionRatio(), config.getSchema1()};
}

TrustSettings trustSettings(schema::Trust::Reader trust) {
  return {ipc::toString(trust.getDirectory()), ipc::toString(trust.getPolicy()), trust.getMayBeAbsent(),
          ipc::toString(trust.getPolicies())};
}

int serve(int argc, char** argv) {
  auto start = jail::startDaemon("storaged", argc, argv);
  auto loaded = loadConfig(start.options);
  auto config = loaded.get();
  auto identities = config.getIdentities();
  std::string path = start.layout.storage();

  prepareStore(path, identities.getStorageUid(), identities.getStorageGid());
  TrustSettings trust = trustSettings(config.getTrust());
  PolicyWatch watch(trust.policy, trust.policies);
  Driver driver = chooseDriver(path, ipc::toString(config.getStorage().getDriver()),
                               [&start]() { return probeDrivers(start); });
  std::vector<std::string> others;
  for (auto other : config.getStorage().getAdditionalStores()) others.push_back(ipc::toString(other));
  auto additional = openAdditional(path, others, identities.getStorageUid(), identities.getStorageGid());
  Helpers helpers = startHelpers(start, config, driver, additional);
  answerBeforeOthers(LaterThreads::ordinary);  // the helpers, which work, are there already
  Fd listener = takeSocket(start.sockets, "storaged");
  enterView(path);
  jail::confine(jail::Process::storaged, {.uid = identities.getStorageUid(),
                                          .gid = identities.getStorageGid(),
                                          .paths = {{path, jail::Access::Right::readWrite},
                                                    // Who connects is read from /proc/PID/cgroup.
                                                    {"/proc", jail::Access::Right::read}}});

  auto io = kj::setupAsyncIo();
  Storage storage(io.unixEventPort, path, std::move(helpers.zygote), pullLimits(config.getPull()), driver,
                  additional);
  ipc::PermittedPeer cri{identities.getCriUid(), start.options.peerCgroup};
  SignatureCheck signatures(storage.parts(), std::move(trust), std::move(watch));
  Daemon daemon(io, storage, signatures, std::move(listener), std::move(cri), std::move(helpers.mounter));
  io.waitScope.setBusyPollInterval(32);  // a pipe that is never empty keeps nobody else waiting
  jail::notifyReady(start);
  daemon.run().wait(io.waitScope);
  return 1;  // run() only ends by an exception
}

}  // namespace
}  // namespace bulkhead::storaged

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("storaged", bulkhead::storaged::serve, argc, argv);
}
