// bulkhead-cni-runner --root DIR --plugin-dir DIR... --capability CAP_NAME...: runs CNI plugins for netd's
// main, each in a handler process of its own, on requests received over descriptor 3.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string_view>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/error.h"
#include "daemons/common/base/layout.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/netd/cni-runner/handlers.h"

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

int serve(const cni::Places& places) {
  Fd ended = watchChildren();
  cni::Handlers handlers(control);
  while (true) {
    std::array<pollfd, 2> watched{{{control, POLLIN, 0}, {ended.get(), POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) throwErrno("poll");
    struct signalfd_siginfo ignored {};
    while (::read(ended.get(), &ignored, sizeof ignored) > 0) {
    }
    handlers.reap();  // before the next request, which may be the DEL of a handler that was killed
    if (watched[0].revents == 0) continue;
    auto packet = ipc::receivePacket(control);
    if (!packet) return 0;
    handlers.start(std::move(*packet), places);
  }
}

int run(int argc, char** argv) {
  jail::sanitise(1);
  jail::CapabilitySet capabilities = 0;
  cni::Places places = parse(argc, argv, capabilities);
  jail::Confinement confinement;
  confinement.capabilities = capabilities;
  jail::confine(jail::Process::cniRunner, confinement);
  return serve(places);
}

}  // namespace

int main(int argc, char** argv) {
  return jail::runMain("netd.cni-runner", run, argc, argv);
}
