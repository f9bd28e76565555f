// bulkhead-launcher: the one program with full keys; see README.md for its whole contract.
#include "daemons/common/base/sockets.h"
#include "daemons/common/config/load.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/shim/launcher/server.h"

namespace {

using namespace bulkhead;

int launcherMain(int argc, char** argv) {
  jail::Start start = jail::startDaemon("launcher", argc, argv);
  LoadedConfig config = loadConfig(start.options);
  Fd listener = takeSocket(start.sockets, "launcher");
  launcher::Context context = launcher::openContext(start, config.get());
  jail::confine(jail::Process::launcher, {});
  jail::notifyReady(start);
  launcher::serve(context, listener, {config.get().getIdentities().getCriUid(), start.options.peerCgroup});
  launcher::closeContext(context);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("launcher", launcherMain, argc, argv);
}
