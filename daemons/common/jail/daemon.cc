#include "daemons/common/jail/daemon.h"

#include <getopt.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/sockets.h"
#include "daemons/common/jail/confine.h"

namespace bulkhead::jail {
namespace {

[[noreturn]] void exitWithUsage(const char* program) {
  std::fprintf(stderr,
               "usage: %s [--root DIR] [--config FILE] [--ceiling FILE] [--peer-cgroup LINE]\n"
               "       [--mounter-peer-cgroup LINE] [--library DIR]\n",
               program);
  std::exit(2);
}

std::string directoryOfProgram() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

// sd_notify(3): a path, or an abstract address written with '@'.
Fd connectToSupervisor() {
  const char* address = ::getenv("NOTIFY_SOCKET");
  if (address == nullptr) return {};
  struct sockaddr_un name {};
  name.sun_family = AF_UNIX;
  size_t length = std::strlen(address);
  bool usable = (address[0] == '/' || address[0] == '@') && length > 1 && length < sizeof name.sun_path;
  if (!usable) throw std::runtime_error("NOTIFY_SOCKET is not an address");
  std::memcpy(name.sun_path, address, length);
  if (address[0] == '@') name.sun_path[0] = '\0';
  auto size = static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + length);
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<struct sockaddr*>(&name), size) != 0) {
    throwErrno("connect to NOTIFY_SOCKET");
  }
  (void)::unsetenv("NOTIFY_SOCKET");
  return socket;
}

}  // namespace

Options parseOptions(int argc, char** argv) {
  Options options;
  options.configFile = "/etc/bulkhead/bulkhead.toml";
  const struct Known {
    const char* name;
    std::string* value;
  } known[] = {{"root", &options.root},
               {"config", &options.configFile},
               {"ceiling", &options.ceilingFile},
               {"peer-cgroup", &options.peerCgroup},
               {"mounter-peer-cgroup", &options.mounterPeerCgroup},
               {"library", &options.library}};
  constexpr size_t count = std::size(known);
  struct option table[count + 1] = {};
  for (size_t i = 0; i < count; ++i)
    table[i] = {known[i].name, required_argument, nullptr, static_cast<int>(i)};
  ::optind = 1;
  for (int found = 0; (found = ::getopt_long(argc, argv, "", table, nullptr)) != -1;) {
    if (found < 0 || static_cast<size_t>(found) >= count) exitWithUsage(argv[0]);
    *known[found].value = ::optarg;
  }
  if (::optind != argc) exitWithUsage(argv[0]);
  if (options.ceilingFile.empty()) {
    options.ceilingFile = std::filesystem::path(options.configFile).replace_filename("ceiling.toml").string();
  }
  if (options.library.empty()) options.library = directoryOfProgram();
  return options;
}

Start startDaemon(const char* component, int argc, char** argv) {
  log::setComponent(component);
  sanitise();
  Start start;
  start.options = parseOptions(argc, argv);
  Outcome<Layout> layout = Layout::at(start.options.root);
  if (!layout) throw std::runtime_error("--" + describe(layout.error()));
  start.layout = std::move(*layout);
  start.sockets = takeInheritedSockets();
  start.notify = connectToSupervisor();
  return start;
}

int runMain(const char* component, int (*body)(int, char**), int argc, char** argv) {
  log::setComponent(component);
  try {
    return body(argc, argv);
  } catch (const std::exception& error) {
    log::error("cannot go on", {{"reason", error.what()}});
  }
  return 1;
}

void notifyReady(const Start& start) {
  if (start.notify && !writeAll(start.notify.get(), "READY=1\n")) throwErrno("notify supervisor");
}

}  // namespace bulkhead::jail
