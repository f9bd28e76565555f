#include "daemons/shim/monitor/shim-server.h"

namespace bulkhead::shim {

kj::Promise<void> ShimServer::version(VersionContext context) {
  constexpr std::uint32_t protocol = 1;
  context.getResults().setProtocol(protocol);
  return kj::READY_NOW;
}

kj::Promise<void> ShimServer::wait(WaitContext context) {
  context.allowCancellation();  // nobody listens any more: nothing to do
  return ended_.addBranch().then([context](Ending ending) mutable {
    auto exit = context.getResults().initExit();
    exit.setCode(ending.record.code);
    exit.setStartedAt(ending.startedAt);
    exit.setFinishedAt(ending.record.finishedAt);
    exit.setOomKilled(ending.record.oomKilled);
  });
}

}  // namespace bulkhead::shim
