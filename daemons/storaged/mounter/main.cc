// bulkhead-mounter: root file systems for the launcher (README.md).
//
//   --root DIR --peer-uid N [--peer-cgroup LINE]
// Descriptors: 3 control (SEQPACKET, storaged's main), 4 the store's directory, 5 the listening socket.
#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/mounter/mounter.h"
#include "daemons/storaged/mounter/view.h"

namespace bulkhead::mounter {
namespace {

constexpr int controlDescriptor = 3;
constexpr int storeDescriptor = 4;
constexpr int listenerDescriptor = 5;

ipc::PermittedPeer parseArguments(int argc, char** argv) {
  ipc::PermittedPeer peer;
  for (int i = 1; i < argc; i += 2) {
    std::string_view name = argv[i];
    if (i + 1 >= argc) throw std::invalid_argument("option without a value");
    std::string_view value = argv[i + 1];
    if (name == "--peer-cgroup") {
      peer.cgroup = value;
    } else if (name == "--peer-uid") {
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), peer.uid);
      if (error != std::errc() || end != value.data() + value.size())
        throw std::invalid_argument("not a uid");
    } else if (name != "--root") {  // which names the instance for audit
      throw std::invalid_argument("unknown option");
    }
  }
  return peer;
}

int run(int argc, char** argv) {
  jail::sanitise(3);
  ipc::PermittedPeer peer = parseArguments(argc, argv);
  Fd outside(storeDescriptor);
  Fd store = enterView(outside.get());
  outside.reset();
  jail::confine(jail::Process::mounter, {});
  Mounter(Fd(controlDescriptor), std::move(store), Fd(listenerDescriptor), std::move(peer)).serve();
  return 0;
}

}  // namespace
}  // namespace bulkhead::mounter

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("mounter", bulkhead::mounter::run, argc, argv);
}
