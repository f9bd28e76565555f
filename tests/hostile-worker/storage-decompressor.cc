// In the place of bulkhead-storage-decompressor: gzip only, all of it in memory.
#include <unistd.h>
#include <zlib.h>

#include "daemons/common/base/io.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/worker/start.h"
#include "tests/hostile-worker/lies.h"

namespace bulkhead::hostile {
namespace {

std::string inflated(std::string& packed) {
  constexpr std::size_t plenty = 16 << 20;
  std::string plain(plenty, '\0');
  z_stream state{};
  (void)::inflateInit2(&state, 16 + MAX_WBITS);
  state.next_in = reinterpret_cast<unsigned char*>(packed.data());
  state.avail_in = static_cast<unsigned>(packed.size());
  state.next_out = reinterpret_cast<unsigned char*>(plain.data());
  state.avail_out = static_cast<unsigned>(plain.size());
  (void)::inflate(&state, Z_FINISH);
  plain.resize(state.total_out);
  (void)::inflateEnd(&state);
  return plain;
}

Outcome<void> work(const worker::Options&, schema::WorkerResult::Builder result) {
  std::string packed = readAll(STDIN_FILENO);
  std::string lie = lieIn(std::string_view(packed).substr(0, 64));
  tellCommonLie(lie);
  std::string plain = inflated(packed);
  if (lie == "other") plain = std::string(10240, '\0');
  if (lie == "short") plain.resize(plain.size() / 2);
  if (lie == "more") plain += plain;
  const std::string zeros(1 << 20, '\0');
  while (lie == "flood" && writeAll(STDOUT_FILENO, zeros)) {
  }
  (void)writeAll(STDOUT_FILENO, plain);
  if (lie == "answer") {
    result.setErased();
  } else {
    result.setDecompressed();
  }
  return {};
}

int run(int argc, char** argv) {
  return worker::runWorker(argc, argv, worker::Cell::handed, work);
}

}  // namespace
}  // namespace bulkhead::hostile

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("hostile-decompressor", bulkhead::hostile::run, argc, argv);
}
