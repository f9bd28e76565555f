// bulkhead-cni-runner --root DIR --plugin-dir DIR... --capability CAP_NAME...: runs CNI plugins for netd's
// main, each in a handler process of its own, on requests received over descriptor 3.
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string_view>

#include "daemons/common/base/layout.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/netd/cni-runner/run-handler.h"

namespace {

using namespace bulkhead;

constexpr int control = 3;

jail::CapabilitySet capability(std::string_view name) {
  for (int number = 0; number < 64; ++number) {
    if (!name.empty() && jail::capabilityName(number) == name) return jail::CapabilitySet{1} << number;
  }
  throw std::runtime_error("unknown capability " + std::string(name));
}

cni::Places parse(int argc, char** argv, jail::CapabilitySet& capabilities) {
  cni::Places places;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view option = argv[i];
    if (option == "--root") places.netnsDirectory = Layout::at(argv[i + 1]).value().netnsDirectory();
    if (option == "--plugin-dir") places.pluginDirectories.emplace_back(argv[i + 1]);
    if (option == "--capability") capabilities |= capability(argv[i + 1]);
  }
  if (places.netnsDirectory.empty()) throw std::runtime_error("--root is missing");
  return places;
}

[[noreturn]] void handle(ipc::Packet packet, const cni::Places& places) {
  try {
    (void)::close(control);
    resetSignals();  // SIGCHLD above all: the plugin's status is wanted here
    cni::handleRun(std::move(packet), places);
  } catch (const std::exception& error) {
    log::error("plugin run failed", {{"error", error.what()}});
    ::_exit(1);
  }
  ::_exit(0);
}

// An unanswered request closes its answer socket, which is how the caller learns that its handler failed.
int serve(const cni::Places& places) {
  while (auto packet = ipc::receivePacket(control)) {
    pid_t child = ::fork();
    if (child == 0) handle(std::move(*packet), places);
    if (child < 0) log::error("cannot fork", {{"error", errnoText(errno)}});
  }
  return 0;
}

int run(int argc, char** argv) {
  jail::sanitise(1);
  jail::CapabilitySet capabilities = 0;
  cni::Places places = parse(argc, argv, capabilities);
  jail::Confinement confinement;
  confinement.capabilities = capabilities;
  jail::confine(jail::Process::cniRunner, confinement);
  (void)::signal(SIGCHLD, SIG_IGN);  // the kernel reaps the handlers
  return serve(places);
}

}  // namespace

int main(int argc, char** argv) {
  return jail::runMain("netd.cni-runner", run, argc, argv);
}
