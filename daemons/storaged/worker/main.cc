// bulkhead-storage-worker: one job on untrusted bytes, in a root directory that holds nothing else
// (README.md).
#include <unistd.h>

#include <capnp/message.h>

#include <csignal>
#include <stdexcept>

#include "daemons/common/base/error.h"
#include "daemons/common/base/log.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/worker/jobs.h"
#include "daemons/storaged/worker/options.h"
#include "ipc/packet.h"

namespace bulkhead::worker {
namespace {

constexpr int resultPipe = 3;

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
    case jail::Process::measureWorker:
      confinement.paths = {{"/", jail::Access::Right::read}};
      break;
    default:
      confinement.uid = options.storageUid;
      confinement.gid = options.storageGid;
  }
  return confinement;
}

int run(int argc, char** argv) {
  jail::sanitise(1);
  Options options = parseOptions(argc, argv);
  // A file over the limit that the zygote set (RLIMIT_FSIZE) is EFBIG.
  if (::signal(SIGXFSZ, SIG_IGN) == SIG_ERR) throwErrno("ignore SIGXFSZ");
  jail::confine(options.role, confinementOf(options));

  capnp::MallocMessageBuilder message;
  work(options, STDIN_FILENO, STDOUT_FILENO, message.initRoot<schema::WorkerResult>());
  // At its end the reader sees the output whole before it is told so.
  ::close(STDOUT_FILENO);
  return ipc::writeMessage(resultPipe, message) ? 0 : 1;
}

}  // namespace
}  // namespace bulkhead::worker

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("storage-worker", bulkhead::worker::run, argc, argv);
}
