// bulkhead-netd: gives pods their network and takes it away again. See README.md.
#include <kj/async-io.h>
#include <sys/stat.h>

#include <cerrno>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/sockets.h"
#include "daemons/common/config/load.h"
#include "daemons/common/jail/confine.h"
#include "daemons/netd/configuration-place.h"
#include "daemons/netd/garbage-collection.h"
#include "daemons/netd/helpers.h"
#include "daemons/netd/netd-server.h"
#include "daemons/netd/network-status.h"
#include "daemons/netd/restart.h"
#include "ipc/rpc.h"

namespace {

using namespace bulkhead;

std::string parentOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// Made like the peers do: a network that is installed later is then found without a restart.
void makeConfigDirectory(const std::string& path) {
  for (const std::string& directory : {parentOf(path), path}) {
    if (!directory.empty() && ::mkdir(directory.c_str(), 0755) == 0) (void)::chmod(directory.c_str(), 0755);
  }
}

void confine(const jail::Start& start, const schema::Identities::Reader identities,
             const netd::ConfigurationPlace& place) {
  using enum jail::Access::Right;
  jail::Confinement confinement;
  confinement.uid = identities.getNetUid();
  confinement.gid = identities.getNetGid();
  // /proc: who connects is read from its cgroup file.
  confinement.paths = {{start.layout.netdState(), readWrite}, {"/proc", read}};
  for (const std::string& parent : place.parents()) confinement.paths.push_back({parent, read});
  jail::confine(jail::Process::netd, confinement);
}

int run(int argc, char** argv) {
  jail::Start start = jail::startDaemon("netd", argc, argv);
  Fd listener = takeSocket(start.sockets, "netd");
  LoadedConfig config = loadConfig(start.options);
  netd::Settings settings = netd::settingsFrom(config.get());
  makeConfigDirectory(settings.configDirectory);
  netd::ConfigurationPlace place(settings.configDirectory);
  Fd state = openDirectory(start.layout.netdState());
  netd::Helpers helpers = netd::startHelpers(start.options, settings);
  confine(start, config.get().getIdentities(), place);

  auto io = kj::setupAsyncIo();
  io.waitScope.setBusyPollInterval(32);  // a plugin that floods does not keep the loop from everybody else
  netd::DiskThread disk;
  netd::OwedRecords owed(state.get(), disk);
  netd::NetnsClient netns(io.unixEventPort, std::move(helpers.netns));
  netd::PluginRunner runner(io.unixEventPort, std::move(helpers.runner));
  netd::ConflistDirectory conflists(settings.configDirectory, settings.defaultNetwork);
  netd::Tools tools{netns, runner, owed, io.provider->getTimer(), settings};
  netd::Attachments attachments(tools, conflists, start.layout.netnsDirectory());
  attachments.resume(owed.load());
  netd::PodCounters counters(netns, attachments);
  netd::NetworkStatus status(tools, conflists);
  netd::GarbageCollection collection(tools, conflists, attachments);
  auto over = kj::newPromiseAndFulfiller<void>();
  netd::Restart restart(place, runner.gate(), kj::mv(over.fulfiller));

  ipc::RpcListener door(*io.lowLevelProvider, std::move(listener),
                        {config.get().getIdentities().getCriUid(), start.options.peerCgroup}, [&]() {
                          return capnp::Capability::Client(kj::heap<netd::NetdServer>(
                              netns, attachments, counters, status, restart, settings));
                        });
  jail::notifyReady(start);
  // None of them ever ends well: the loss of a helper ends netd, and the supervisor starts all of it anew.
  door.run()
      .exclusiveJoin(netns.serve())
      .exclusiveJoin(runner.lost())
      .exclusiveJoin(collection.run())
      .exclusiveJoin(kj::mv(over.promise))
      .wait(io.waitScope);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("netd", run, argc, argv);
}
