#include "daemons/common/config/load.h"

#include <unistd.h>

#include <stdexcept>

#include "daemons/common/base/error.h"
#include "daemons/common/base/log.h"
#include "daemons/common/config/files.h"
#include "daemons/common/config/reader-process.h"
#include "ipc/convert.h"

namespace bulkhead {
namespace {

constexpr size_t mostFiles = 60;  // jail::sanitise() keeps 64 descriptors

struct Opened {
  std::vector<ConfigFile> files;
  std::vector<std::string> arguments;
};

void add(Opened& opened, const char* option, std::vector<ConfigFile> files) {
  for (ConfigFile& file : files) {
    opened.arguments.insert(opened.arguments.end(), {option, file.name});
    opened.files.push_back(std::move(file));
  }
}

Opened openAll(const jail::Options& options) {
  Opened opened;
  add(opened, "--file", openConfigFiles(options.configFile));
  add(opened, "--ceiling", openConfigFiles(options.ceilingFile));
  if (opened.files.size() > mostFiles) throw std::runtime_error("more than 60 configuration files");
  return opened;
}

log::Level levelOf(const std::string& name) {
  if (name == "error") return log::Level::error;
  if (name == "warning") return log::Level::warning;
  return name == "debug" ? log::Level::debug : log::Level::info;
}

}  // namespace

LoadedConfig::LoadedConfig(ipc::Packet packet) : packet_(std::make_unique<ipc::Packet>(std::move(packet))) {
  auto answer = packet_->as<schema::Answer>();
  if (answer.isError()) throw std::runtime_error(ipc::toString(answer.getError()));
  config_ = answer.getConfig();
}

LoadedConfig loadConfig(const jail::Options& options) {
  Opened opened = openAll(options);
  std::vector<int> fds;
  for (const ConfigFile& file : opened.files) fds.push_back(file.fd.get());
  Pipe pipe = makePipe();
  pid_t reader = startReader(options.library + "/bulkhead-config", opened.arguments, pipe.write.get(), fds);
  pipe.write.reset();
  LoadedConfig loaded(receiveAnswer(pipe.read.get(), reader));
  log::setLevel(levelOf(ipc::toString(loaded.get().getLogLevel())));
  return loaded;
}

}  // namespace bulkhead
