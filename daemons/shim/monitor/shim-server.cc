#include "daemons/shim/monitor/shim-server.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "ipc/convert.h"
#include "ipc/file-capability.h"

namespace bulkhead::shim {
namespace {

// Nothing else may hold up the container, or end up in the middle of somebody's file.
bool isLog(const Fd& file) {
  struct stat info {};
  int flags = file ? ::fcntl(file.get(), F_GETFL) : -1;
  return flags >= 0 && (flags & O_APPEND) != 0 && (flags & O_ACCMODE) != O_RDONLY &&
         ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

kj::Promise<void> ShimServer::version(VersionContext context) {
  constexpr std::uint32_t protocol = 2;
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

kj::Promise<void> ShimServer::reopenLog(ReopenLogContext context) {
  return ipc::receiveFile(context.getParams().getLog()).then([this, context](Fd file) mutable {
    auto result = context.getResults().initResult();
    if (!isLog(file)) {
      ipc::writeRefusal(result.initRefused(), {Code::invalidArgument, "log", "is no file to append to"});
      return;
    }
    log_.reopen(std::move(file), wallClock());
    result.initOk();
  });
}

}  // namespace bulkhead::shim
