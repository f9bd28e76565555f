// bulkhead-storage-zygote: makes storaged's workers (README.md).
//
//   --root DIR --storage-uid N --storage-gid N --worker PATH --max-bytes N --max-entries N   (of one layer)
// Descriptors: 3 control (SEQPACKET, storaged's main), 4 the store's directory.
#include <fcntl.h>

#include <charconv>
#include <stdexcept>
#include <string_view>

#include "daemons/common/base/error.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/zygote/zygote.h"

namespace bulkhead::zygote {
namespace {

constexpr int controlDescriptor = 3;
constexpr int storeDescriptor = 4;

template <typename Number>
void read(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) throw std::invalid_argument("not a number");
}

struct Arguments {
  Settings settings;
  std::string worker;
};

Arguments parseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view name = argv[i];
    if (name == "--root") {
      arguments.settings.root = argv[i + 1];
    } else if (name == "--storage-uid") {
      read(argv[i + 1], arguments.settings.storageUid);
    } else if (name == "--storage-gid") {
      read(argv[i + 1], arguments.settings.storageGid);
    } else if (name == "--max-bytes") {
      read(argv[i + 1], arguments.settings.limits.bytes);
    } else if (name == "--max-entries") {
      read(argv[i + 1], arguments.settings.limits.entries);
    } else if (name == "--worker") {
      arguments.worker = argv[i + 1];
    } else {
      throw std::invalid_argument("unknown option");
    }
  }
  const Settings& settings = arguments.settings;
  bool whole = settings.storageUid != 0 && settings.storageGid != 0 && settings.limits.bytes != 0 &&
               settings.limits.entries != 0 && !arguments.worker.empty();
  if (!whole) throw std::invalid_argument("an option is missing or zero");
  return arguments;
}

int run(int argc, char** argv) {
  jail::sanitise(2);
  Arguments arguments = parseArguments(argc, argv);
  // Held from before anybody can talk to us: a worker is this file, whatever the path comes to mean.
  Fd program(::open(arguments.worker.c_str(), O_PATH | O_CLOEXEC));
  if (!program) throwErrno("open the worker program");
  jail::confine(jail::Process::storageZygote, {});
  Zygote(std::move(arguments.settings), Fd(controlDescriptor), Fd(storeDescriptor), std::move(program))
      .serve();
  return 0;
}

}  // namespace
}  // namespace bulkhead::zygote

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("storage-zygote", bulkhead::zygote::run, argc, argv);
}
