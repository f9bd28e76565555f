#include "daemons/netd/helpers.h"

#include <sys/socket.h>

#include "daemons/common/base/process.h"

namespace bulkhead::netd {
namespace {

Fd start(const std::string& program, const std::vector<std::string>& arguments) {
  SocketPair control = makeSocketPair(SOCK_SEQPACKET);
  (void)spawnProgram(program, arguments, {control.second.get()});
  return std::move(control.first);
}

std::vector<std::string> runnerArguments(const jail::Options& options, const Settings& settings) {
  std::vector<std::string> arguments{"--root", options.root};
  for (const std::string& name : settings.pluginCapabilities) {
    arguments.insert(arguments.end(), {"--capability", name});
  }
  for (const std::string& directory : settings.pluginDirectories) {
    arguments.insert(arguments.end(), {"--plugin-dir", directory});
  }
  return arguments;
}

}  // namespace

Helpers startHelpers(const jail::Options& options, const Settings& settings) {
  return {start(options.library + "/bulkhead-netns-helper", {"--root", options.root}),
          start(options.library + "/bulkhead-cni-runner", runnerArguments(options, settings))};
}

}  // namespace bulkhead::netd
