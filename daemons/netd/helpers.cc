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

// What the ceiling says is said once, while this process is still believed.
std::vector<std::string> netnsArguments(const jail::Options& options, const Settings& settings) {
  std::vector<std::string> arguments{"--root", options.root};
  if (settings.hostNetwork) arguments.emplace_back("--node");
  return arguments;
}

}  // namespace

Helpers startHelpers(const jail::Options& options, const Settings& settings) {
  return {start(options.library + "/bulkhead-netns-helper", netnsArguments(options, settings)),
          start(options.library + "/bulkhead-cni-runner", runnerArguments(options, settings))};
}

}  // namespace bulkhead::netd
