#include "daemons/storaged/worker/start.h"

#include <sys/stat.h>
#include <unistd.h>

#include <capnp/message.h>

#include <csignal>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/priority.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/view.h"
#include "ipc/convert.h"
#include "ipc/packet.h"

namespace bulkhead::worker {
namespace {

constexpr int resultPipe = 3;
constexpr int cellMount = 4;

// Landlock, for what it is worth beside the mount namespace: no wall for these capabilities, but it names the
// rights.
jail::Confinement confinementOf(const Options& options) {
  jail::Confinement confinement;
  switch (options.role) {
    case jail::Process::unpackWorker:
      confinement.paths = {{"/", jail::Access::Right::readWrite}};
      break;
    case jail::Process::eraseWorker:
      confinement.paths = {{"/", jail::Access::Right::readWrite}};
      break;
    case jail::Process::composeWorker:
      confinement.paths = {{"/target", jail::Access::Right::readWrite},
                           {"/layers", jail::Access::Right::read}};
      break;
    case jail::Process::measureWorker:
    case jail::Process::lookupWorker:
      confinement.paths = {{"/", jail::Access::Right::read}};
      break;
    case jail::Process::verifyWorker:
      confinement.paths = {{"/", jail::Access::Right::read}};
      [[fallthrough]];
    default:
      confinement.uid = options.storageUid;
      confinement.gid = options.storageGid;
  }
  return confinement;
}

// Those that somebody waits for take milliseconds.
bool takesLong(jail::Process role) {
  return role == jail::Process::unpackWorker || role == jail::Process::decompressWorker ||
         role == jail::Process::eraseWorker;
}

}  // namespace

int runWorker(int argc, char** argv, Cell cell, const Job& job, const Preparation& prepare) {
  jail::sanitise(cell == Cell::handed ? 2 : 1);
  Options options = parseOptions(argc, argv);
  // A file over the limit that the zygote set (RLIMIT_FSIZE) is EFBIG.
  if (::signal(SIGXFSZ, SIG_IGN) == SIG_ERR) throwErrno("ignore SIGXFSZ");
  if (takesLong(options.role)) workBehindOthers();
  if (prepare) prepare();
  if (cell == Cell::handed) jail::enterCell(Fd(cellMount));
  // An unpacked file has the archive's mode from the first, in a directory that nobody else enters.
  if (options.role == jail::Process::unpackWorker) ::umask(0);
  jail::confine(options.role, confinementOf(options));

  capnp::MallocMessageBuilder message;
  auto result = message.initRoot<schema::WorkerResult>();
  auto done = job(options, result);
  if (!done) ipc::writeRefusal(result.initRefused(), done.error());
  // At its end the reader sees the output whole before it is told so.
  ::close(STDOUT_FILENO);
  return ipc::writeMessage(resultPipe, message) ? 0 : 1;
}

}  // namespace bulkhead::worker
