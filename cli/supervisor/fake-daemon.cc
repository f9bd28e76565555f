// Stands in for every daemon in the supervisor's test: notes what it was given in ROOT/seen/NAME, says READY
// and waits. A word in ROOT/behaviour/NAME makes it misbehave: "never-ready", "exit", "ignore-term".
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "daemons/common/base/io.h"
#include "daemons/common/base/sockets.h"

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string optionOf(int argc, char** argv, const std::string& option) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == option) return argv[i + 1];
  }
  return {};
}

void note(const std::string& root, const std::string& name, int argc, char** argv) {
  std::ofstream seen(root + "/seen/" + name, std::ios::app);
  seen << "pid=" << ::getpid() << " names=" << variable("LISTEN_FDNAMES");
  for (const auto& [socket, fd] : bulkhead::takeInheritedSockets()) seen << " took=" << socket;
  seen << " args=";
  for (int i = 1; i < argc; ++i) seen << argv[i] << ",";
  seen << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  std::string root = optionOf(argc, argv, "--root");
  std::string name = std::filesystem::path(argv[0]).filename();
  std::string behaviour = bulkhead::readSmallFile(root + "/behaviour/" + name);
  note(root, name, argc, argv);
  if (behaviour == "exit") return 3;
  if (behaviour == "ignore-term") (void)std::signal(SIGTERM, SIG_IGN);
  // Losing the death signal is what a daemon's change of uid does.
  if (::setresuid(65534, 65534, 65534) != 0) return 4;
  bulkhead::Fd notify = bulkhead::connectTo(variable("NOTIFY_SOCKET"), SOCK_DGRAM);
  if (behaviour != "never-ready" && !bulkhead::writeAll(notify.get(), "READY=1")) return 5;
  while (true) ::pause();
}
