#include "daemons/shim/monitor/shim-server.h"

#include <fcntl.h>
#include <sys/socket.h>
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

// Neither a file that could keep us waiting nor a socket of another kind. Missing is fine.
bool isStreamSocketOrMissing(const Fd& fd) {
  int domain = 0, type = 0;
  socklen_t size = sizeof(int);
  return !fd || (::getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
                 ::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM);
}

kj::Promise<Fd> receiveIf(bool present, schema::File::Client file) {
  if (present) return ipc::receiveFile(kj::mv(file));
  return Fd();
}

}  // namespace

kj::Promise<void> ShimServer::version(VersionContext context) {
  constexpr std::uint32_t protocol = 3;
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

kj::Promise<void> ShimServer::attach(AttachContext context) {
  auto params = context.getParams();
  auto files = kj::heapArrayBuilder<kj::Promise<Fd>>(3);
  files.add(receiveIf(params.hasStdin(), params.getStdin()));
  files.add(receiveIf(params.hasStdout(), params.getStdout()));
  files.add(receiveIf(params.hasStderr(), params.getStderr()));
  return kj::joinPromises(files.finish()).then([this, context](kj::Array<Fd> all) mutable {
    admit(context, {std::move(all[0]), std::move(all[1]), std::move(all[2])});
  });
}

void ShimServer::admit(AttachContext& context, AttachedClient::Sockets sockets) {
  auto result = context.getResults().initResult();
  bool any = sockets.in || sockets.out || sockets.err;
  bool sound = isStreamSocketOrMissing(sockets.in) && isStreamSocketOrMissing(sockets.out) &&
               isStreamSocketOrMissing(sockets.err);
  if (!any || !sound) {
    ipc::writeRefusal(result.initRefused(), {Code::invalidArgument, "", "attach needs stream sockets"});
  } else if (!audience_.attach(std::move(sockets), context.getParams().getEndsInput())) {
    ipc::writeRefusal(result.initRefused(), {Code::resourceExhausted, "", "too many are attached already"});
  } else {
    result.initOk();
  }
}

kj::Promise<void> ShimServer::resize(ResizeContext context) {
  auto params = context.getParams();
  auto result = context.getResults().initResult();
  if (audience_.input().resize(params.getWidth(), params.getHeight())) {
    result.initOk();
  } else {
    ipc::writeRefusal(result.initRefused(), {Code::failedPrecondition, "", "the container has no terminal"});
  }
  return kj::READY_NOW;
}

}  // namespace bulkhead::shim
