// bulkhead-imaged: fetches images for bulkhead-cri. See README.md for its processes and what each may do.
#include <kj/async-io.h>

#include "daemons/common/base/log.h"
#include "daemons/common/base/sockets.h"
#include "daemons/common/config/load.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/imaged/fetch-zygote.h"
#include "daemons/imaged/imaged-server.h"
#include "ipc/convert.h"
#include "ipc/rpc.h"

namespace bulkhead::imaged {
namespace {

Registries registriesOf(schema::Config::Reader config) {
  std::vector<RegistryRule> rules;
  for (auto registry : config.getRegistries()) {
    rules.push_back({ipc::toString(registry.getPrefix()), ipc::toString(registry.getLocation()),
                     registry.getInsecure(), registry.getBlocked()});
  }
  return Registries(std::move(rules));
}

// Rules for a part of a registry say nothing of its other paths.
std::vector<fetcher::ListedPlace> placesOf(schema::Config::Reader config) {
  std::vector<fetcher::ListedPlace> places;
  for (auto registry : config.getRegistries()) {
    std::string prefix = ipc::toString(registry.getPrefix());
    if (prefix.find('/') == prefix.npos && !registry.getBlocked()) {
      places.push_back({std::move(prefix), registry.getInsecure()});
    }
  }
  return places;
}

int run(int argc, char** argv) {
  jail::Start start = jail::startDaemon("imaged", argc, argv);
  LoadedConfig config = loadConfig(start.options);
  auto identities = config.get().getIdentities();
  Registries registries = registriesOf(config.get());
  Fd listener = takeSocket(start.sockets, "imaged");

  Fd control = startFetchZygote({identities.getImageUid(), identities.getImageGid(),
                                 std::chrono::milliseconds(config.get().getPull().getProgressTimeoutMs()),
                                 placesOf(config.get())});
  // Of /proc, the peer's control group is read at accept.
  jail::confine(jail::Process::imaged, {identities.getImageUid(),
                                        identities.getImageGid(),
                                        {{"/proc", jail::Access::Right::read}},
                                        {listener.get(), control.get(), start.notify.get()}});

  auto io = kj::setupAsyncIo();
  io.waitScope.setBusyPollInterval(32);  // nobody who is always ready keeps the loop from the others
  FetchZygote zygote(io.unixEventPort, std::move(control));
  capnp::Capability::Client server = kj::heap<ImagedServer>(io.unixEventPort, zygote, registries);
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
