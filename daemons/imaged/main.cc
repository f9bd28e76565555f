// bulkhead-imaged: fetches images for bulkhead-cri. See README.md for its processes and what each may do.
#include <kj/async-io.h>

#include "daemons/common/base/log.h"
#include "daemons/common/base/sockets.h"
#include "daemons/common/config/load.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/imaged/fetch-zygote.h"
#include "daemons/imaged/imaged-server.h"
#include "daemons/imaged/proxies.h"
#include "ipc/convert.h"
#include "ipc/rpc.h"

namespace bulkhead::imaged {
namespace {

planner::Settings plannerSettings(schema::Config::Reader config) {
  auto identities = config.getIdentities();
  auto fetching = config.getFetching();
  planner::Settings settings{
      identities.getImageUid(),
      identities.getImageGid(),
      ipc::toString(fetching.getRegistriesConf()),
      {},
      ipc::toString(config.getTrust().getRegistriesDirectory()),
      {ipc::toString(fetching.getGlobalAuthFile()), ipc::toString(fetching.getNamespacedAuthDirectory())}};
  for (auto directory : fetching.getCertificateDirectories())
    settings.certificateDirectories.push_back(ipc::toString(directory));
  return settings;
}

int run(int argc, char** argv) {
  EnvironmentProxies environment = EnvironmentProxies::read();
  jail::Start start = jail::startDaemon("imaged", argc, argv);
  LoadedConfig config = loadConfig(start.options);
  auto identities = config.get().getIdentities();
  auto fetching = config.get().getFetching();
  capnp::MallocMessageBuilder proxies;
  mergeProxies(fetching.getProxies(), environment, proxies.initRoot<schema::Proxies>());
  Fd listener = takeSocket(start.sockets, "imaged");

  Fd control = startFetchZygote({identities.getImageUid(), identities.getImageGid(),
                                 std::chrono::milliseconds(config.get().getPull().getProgressTimeoutMs()),
                                 config.get().getPull().getSchema1()},
                                plannerSettings(config.get()));
  // Of /proc, the peer's control group is read at accept.
  jail::confine(jail::Process::imaged, {identities.getImageUid(),
                                        identities.getImageGid(),
                                        {{"/proc", jail::Access::Right::read}},
                                        {listener.get(), control.get(), start.notify.get()}});

  auto io = kj::setupAsyncIo();
  io.waitScope.setBusyPollInterval(32);  // nobody who is always ready keeps the loop from the others
  FetchZygote zygote(io.unixEventPort, std::move(control));
  kj::Timer& timer = io.provider->getTimer();
  Plans plans(io.unixEventPort, timer, zygote, config.get().getRegistries());
  TokenCache tokens(timer);
  Turns blobs(config.get().getPull().getMaxParallel());
  bool hasAuthFiles =
      fetching.getGlobalAuthFile().size() > 0 || fetching.getNamespacedAuthDirectory().size() > 0;
  Desk desk{io.unixEventPort,
            zygote,
            plans,
            tokens,
            blobs,
            hasAuthFiles,
            proxies.getRoot<schema::Proxies>().asReader()};
  capnp::Capability::Client server = kj::heap<ImagedServer>(desk);
  ipc::RpcListener door(*io.lowLevelProvider, std::move(listener),
                        {identities.getCriUid(), start.options.peerCgroup}, [&server] { return server; });
  jail::notifyReady(start);
  door.run().exclusiveJoin(zygote.watch()).wait(io.waitScope);
  return 0;
}

}  // namespace
}  // namespace bulkhead::imaged

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("imaged", bulkhead::imaged::run, argc, argv);
}
