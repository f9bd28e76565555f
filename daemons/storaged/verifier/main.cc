// bulkhead-storage-verifier: judges an image's signatures by root's policy; one question, one answer
// (README.md).
#include <openssl/crypto.h>
#include <unistd.h>

#include <stdexcept>

#include "daemons/common/base/beneath.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/verifier/questions.h"
#include "daemons/storaged/verifier/signatures.h"
#include "daemons/storaged/worker/start.h"
#include "ipc/limits.h"
#include "ipc/packet.h"

namespace bulkhead::verifier {
namespace {

void prepare() {
  // No openssl.cnf is looked for: the library is used as it was built.
  if (::OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1)
    throw std::runtime_error("libcrypto does not start");
  startOpenPgp();
}

Outcome<void> work(const worker::Options&, schema::WorkerResult::Builder result) {
  auto packet = ipc::readMessage(STDIN_FILENO, limits::packetBody);
  if (!packet) return invalid("question", "is missing");
  return answer(packet->as<schema::VerifyInput>(), openDirectory("/"), result);
}

int run(int argc, char** argv) {
  return worker::runWorker(argc, argv, worker::Cell::handed, work, prepare);
}

}  // namespace
}  // namespace bulkhead::verifier

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("storage-verifier", bulkhead::verifier::run, argc, argv);
}
