// bulkhead-storage-zygote: makes storaged's workers (README.md).
//
//   --root DIR --storage-uid N --storage-gid N --library DIR --max-bytes N --max-entries N   (of one layer)
//   [--device-nodes allow|refuse] [--driver overlay|btrfs|vfs] [--additional N]
// Descriptors: 3 control (SEQPACKET, storaged's main), 4 the store's directory, 5 and on N additional ones.
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
constexpr int additionalDescriptor = 5;

template <typename Number>
void read(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) throw std::invalid_argument("not a number");
}

Settings parseArguments(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view name = argv[i];
    if (name == "--root") {
      settings.root = argv[i + 1];
    } else if (name == "--storage-uid") {
      read(argv[i + 1], settings.storageUid);
    } else if (name == "--storage-gid") {
      read(argv[i + 1], settings.storageGid);
    } else if (name == "--max-bytes") {
      read(argv[i + 1], settings.limits.bytes);
    } else if (name == "--max-entries") {
      read(argv[i + 1], settings.limits.entries);
    } else if (name == "--device-nodes") {
      settings.limits.deviceNodes = argv[i + 1];
    } else if (name == "--additional") {
      read(argv[i + 1], settings.additional);
    } else if (name == "--driver") {
      auto driver = driverNamed(argv[i + 1]);
      if (!driver) throw std::invalid_argument("unknown driver");
      settings.driver = *driver;
    } else if (name == "--library") {
      settings.library = argv[i + 1];
    } else {
      throw std::invalid_argument("unknown option");
    }
  }
  bool whole = settings.storageUid != 0 && settings.storageGid != 0 && settings.limits.bytes != 0 &&
               settings.limits.entries != 0 && !settings.library.empty();
  if (!whole) throw std::invalid_argument("an option is missing or zero");
  return settings;
}

int run(int argc, char** argv) {
  Settings settings = parseArguments(argc, argv);
  jail::sanitise(2 + settings.additional);
  std::vector<Fd> additional;
  for (int i = 0; i < settings.additional; ++i) additional.emplace_back(additionalDescriptor + i);
  Programs programs = openPrograms(settings.library);
  jail::confine(jail::Process::storageZygote, {});
  Zygote(std::move(settings), Fd(controlDescriptor), Fd(storeDescriptor), std::move(additional),
         std::move(programs))
      .serve();
  return 0;
}

}  // namespace
}  // namespace bulkhead::zygote

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("storage-zygote", bulkhead::zygote::run, argc, argv);
}
