// bulkhead-storage-worker: one job on untrusted bytes, in a root directory that holds nothing else
// (README.md).
#include <unistd.h>

#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/worker/jobs.h"
#include "daemons/storaged/worker/start.h"

namespace bulkhead::worker {
namespace {

int run(int argc, char** argv) {
  return runWorker(argc, argv, Cell::entered, work);
}

}  // namespace
}  // namespace bulkhead::worker

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("storage-worker", bulkhead::worker::run, argc, argv);
}
