// bulkhead-storage-zygote: makes storaged's workers (README.md).
//
//   --root DIR --storage-uid N --storage-gid N --library DIR --max-bytes N --max-entries N   (of one layer)
//   [--device-nodes allow|refuse] [--driver overlay|btrfs|vfs] [--additional N]
// Descriptors: 3 control (SEQPACKET, storaged's main), 4 the store's directory, 5 the one with root's
// policies, 6 and on N additional stores'.
#include <algorithm>
#include <array>
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
constexpr int trustDescriptor = 5;
constexpr int additionalDescriptor = 6;

template <typename Number>
void read(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) throw std::invalid_argument("not a number");
}

Driver driverFrom(const char* name) {
  auto driver = driverNamed(name);
  if (!driver) throw std::invalid_argument("unknown driver");
  return *driver;
}

Settings parseArguments(int argc, char** argv) {
  constexpr std::array<std::string_view, 9> known{"--root",         "--library",   "--storage-uid",
                                                  "--storage-gid",  "--max-bytes", "--max-entries",
                                                  "--device-nodes", "--driver",    "--additional"};
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw std::invalid_argument("unknown option");
    if (name == "--root") settings.root = value;
    if (name == "--library") settings.library = value;
    if (name == "--storage-uid") read(value, settings.storageUid);
    if (name == "--storage-gid") read(value, settings.storageGid);
    if (name == "--max-bytes") read(value, settings.limits.bytes);
    if (name == "--max-entries") read(value, settings.limits.entries);
    if (name == "--device-nodes") settings.limits.deviceNodes = value;
    if (name == "--driver") settings.driver = driverFrom(value);
    if (name == "--additional") read(value, settings.additional);
  }
  bool whole = settings.storageUid != 0 && settings.storageGid != 0 && settings.limits.bytes != 0 &&
               settings.limits.entries != 0 && !settings.library.empty();
  if (!whole) throw std::invalid_argument("an option is missing or zero");
  return settings;
}

int run(int argc, char** argv) {
  Settings settings = parseArguments(argc, argv);
  jail::sanitise(3 + settings.additional);
  std::vector<Fd> additional;
  for (int i = 0; i < settings.additional; ++i) additional.emplace_back(additionalDescriptor + i);
  Programs programs = openPrograms(settings.library);
  jail::confine(jail::Process::storageZygote, {});
  Zygote(std::move(settings), Fd(controlDescriptor), Fd(storeDescriptor), Fd(trustDescriptor),
         std::move(additional), std::move(programs))
      .serve();
  return 0;
}

}  // namespace
}  // namespace bulkhead::zygote

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("storage-zygote", bulkhead::zygote::run, argc, argv);
}
