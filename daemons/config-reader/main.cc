// bulkhead-config: reads root's configuration for the daemon that started it, with nothing to lose.
//   bulkhead-config [--file NAME]… [--ceiling NAME]…   descriptors 3, 4, … are those files, in the order of
//   the arguments
//   bulkhead-config --seccomp [CAP_…]…   descriptor 3 is a seccomp profile, for a container with those
//   capabilities
//   bulkhead-config --describe           prints every key with its default
#include <unistd.h>

#include <iostream>
#include <set>
#include <string>
#include <string_view>

#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/config-reader/answer.h"
#include "daemons/config-reader/keys.h"
#include "daemons/config-reader/seccomp.h"
#include "ipc/packet.h"

namespace {

using namespace bulkhead;

constexpr size_t largestFile = 1024 * 1024;  // far beyond what a person writes
constexpr int firstFile = 3;

struct Arguments {
  std::vector<std::pair<std::string, bool>> files;  // name, whether it is a ceiling
};

Arguments parseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; i += 2) {
    std::string_view option = argv[i];
    bool known = (option == "--file" || option == "--ceiling") && i + 1 < argc;
    if (!known)
      throw std::runtime_error("usage: bulkhead-config [--file NAME]... [--ceiling NAME]... | --describe");
    arguments.files.emplace_back(argv[i + 1], option == "--ceiling");
  }
  return arguments;
}

config::File readFile(int fd, const std::string& name) {
  std::optional<std::string> text = readBounded(fd, largestFile);
  if (!text) throw config::ConfigError(name + ": is larger than 1 MiB");
  return {name, std::move(*text)};
}

void writeAnswer(const Arguments& arguments, const config::Accounts& accounts,
                 schema::Answer::Builder answer) {
  std::vector<config::File> files;
  std::vector<config::File> ceilings;
  int fd = firstFile;
  for (const auto& [name, isCeiling] : arguments.files)
    (isCeiling ? ceilings : files).push_back(readFile(fd++, name));
  auto config = answer.initConfig();
  config::writeConfig(config::readBulkhead(files), accounts, config);
  config::writeCeiling(config::readCeiling(ceilings), config.initCeiling());
}

// Anyone on the node may have written a profile that an administrator copied: as little is lost with it.
int readSeccomp(std::set<std::string> capabilities) {
  jail::sanitise(1);
  auto conditions = config::SeccompConditions::here(std::move(capabilities));
  jail::confine(jail::Process::configReader, {.uid = ::getuid(), .gid = ::getgid()});
  capnp::MallocMessageBuilder message;
  auto answer = message.initRoot<schema::SeccompAnswer>();
  try {
    config::writeSeccomp(readFile(firstFile, "profile").text, conditions, answer.initProfile());
  } catch (const config::ConfigError& error) {
    answer.setError(error.what());
  }
  return ipc::writeMessage(STDOUT_FILENO, message) ? 0 : 1;
}

int run(int argc, char** argv) {
  if (argc >= 2 && std::string_view(argv[1]) == "--seccomp") return readSeccomp({argv + 2, argv + argc});
  if (argc == 2 && std::string_view(argv[1]) == "--describe") {
    config::describeKeys(std::cout);
    return 0;
  }
  Arguments arguments = parseArguments(argc, argv);
  jail::sanitise(static_cast<int>(arguments.files.size()));
  config::Accounts accounts;
  jail::confine(jail::Process::configReader, {.uid = ::getuid(), .gid = ::getgid()});

  capnp::MallocMessageBuilder message;
  auto answer = message.initRoot<schema::Answer>();
  try {
    writeAnswer(arguments, accounts, answer);
  } catch (const config::ConfigError& error) {
    answer.setError(error.what());
  }
  return ipc::writeMessage(STDOUT_FILENO, message) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return jail::runMain("config", run, argc, argv);
}
