// bulkhead-storage-decompressor: one stream of unverified bytes, from one pipe to another (README.md).
#include <unistd.h>

#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/decompressor/decompress.h"
#include "daemons/storaged/worker/start.h"

namespace bulkhead::decompressor {
namespace {

Outcome<void> work(const worker::Options& options, schema::WorkerResult::Builder result) {
  auto done = decompress(options.codec, STDIN_FILENO, STDOUT_FILENO, options.maxBytes);
  if (done) result.setDecompressed();
  return done;
}

int run(int argc, char** argv) {
  return worker::runWorker(argc, argv, worker::Cell::handed, work);
}

}  // namespace
}  // namespace bulkhead::decompressor

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("storage-decompressor", bulkhead::decompressor::run, argc, argv);
}
