// bulkhead-shim: a container's monitor. Role, holdings and limits: README.md.
#include <kj/async-io.h>
#include <kj/exception.h>

#include <csignal>

#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/shim/monitor/monitor.h"
#include "daemons/shim/monitor/options.h"
#include "ipc/rpc.h"

namespace {

using namespace bulkhead;

// Otherwise KJ looks for I/O only once nothing is left to do, which a flood of output never lets happen.
constexpr unsigned eventsPerPoll = 8;

int shimMain(int argc, char** argv) {
  jail::sanitise(shim::inheritedDescriptors);
  shim::Options options = shim::parseOptions(argc, argv);
  jail::confine(jail::Process::shim,
                {.uid = options.uid, .gid = options.uid, .paths = {}, .keep = {}, .capabilities = {}});

  kj::UnixEventPort::captureSignal(SIGCHLD);
  auto io = kj::setupAsyncIo();
  Fd listener(3);
  shim::Monitor monitor(io, {Fd(4), Fd(5), Fd(6), Fd(7), Fd(8), Fd(9), Fd(10)}, options.pid);
  auto serve = [&monitor] {
    return kj::heap<shim::ShimServer>(monitor.ended(), monitor.log(), monitor.audience());
  };
  // The process cannot be looked up: there is no /proc here. The socket's directory admits cri's group alone.
  ipc::RpcListener server(*io.lowLevelProvider, std::move(listener), {options.criUid, ""}, serve);
  auto serving = server.run().eagerlyEvaluate([](kj::Exception&&) {});
  io.waitScope.setBusyPollInterval(eventsPerPoll);
  monitor.run().wait(io.waitScope);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("shim", shimMain, argc, argv);
}
