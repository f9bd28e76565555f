#include "daemons/shim/monitor/options.h"

#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bulkhead::shim {
namespace {

unsigned numberOf(std::string_view name, std::string_view text) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) {
    throw std::runtime_error("bad value for " + std::string(name));
  }
  return value;
}

}  // namespace

Options parseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view name = argv[i];
    if (name == "--pid") {
      options.pid = static_cast<pid_t>(numberOf(name, argv[i + 1]));
    } else if (name == "--uid") {
      options.uid = numberOf(name, argv[i + 1]);
    } else if (name == "--cri-uid") {
      options.criUid = numberOf(name, argv[i + 1]);
    } else if (name != "--container" && name != "--root") {
      throw std::runtime_error("unknown option");
    }
  }
  if (options.pid == 0 || options.uid == 0 || options.criUid == 0)
    throw std::runtime_error("an option is missing");
  return options;
}

}  // namespace bulkhead::shim
