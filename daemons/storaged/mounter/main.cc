// bulkhead-mounter: root file systems for the launcher (README.md).
//
//   --root DIR --peer-uid N [--peer-cgroup LINE] [--additional N]
// Descriptors: 3 control (SEQPACKET, storaged's main), 4 the store's directory, 5 the listening socket,
// 6 and on N additional stores'.
//
//   --root DIR --probe yes
// Says on descriptor 3 which drivers the store's file system has, and ends.
#include <capnp/message.h>
#include <fcntl.h>

#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

#include "daemons/common/base/beneath.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/drivers/probe.h"
#include "daemons/storaged/mounter/mounter.h"
#include "daemons/storaged/mounter/view.h"
#include "ipc/packet.h"
#include "ipc/schema/mount.capnp.h"

namespace bulkhead::mounter {
namespace {

constexpr int controlDescriptor = 3;
constexpr int storeDescriptor = 4;
constexpr int listenerDescriptor = 5;
constexpr int additionalDescriptor = 6;

struct Arguments {
  ipc::PermittedPeer peer;
  bool probe = false;
  int additional = 0;
};

template <typename Number>
void read(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) throw std::invalid_argument("not a number");
}

Arguments parseArguments(int argc, char** argv) {
  Arguments arguments;
  ipc::PermittedPeer& peer = arguments.peer;
  for (int i = 1; i < argc; i += 2) {
    std::string_view name = argv[i];
    if (i + 1 >= argc) throw std::invalid_argument("option without a value");
    std::string_view value = argv[i + 1];
    if (name == "--peer-cgroup") {
      peer.cgroup = value;
    } else if (name == "--peer-uid") {
      read(value, peer.uid);
    } else if (name == "--additional") {
      read(value, arguments.additional);
    } else if (name == "--probe") {
      arguments.probe = true;
    } else if (name != "--root") {  // which names the instance for audit
      throw std::invalid_argument("unknown option");
    }
  }
  return arguments;
}

// In the trash, which is swept at start.
void probe(int control, int store) {
  Fd trash = openBeneath(store, "trash", O_RDONLY | O_DIRECTORY);
  Fd place = makeDirectory(trash.get(), LayerName::generate().text(), 0700);
  drivers::Found found = drivers::probeDrivers(makeClosedDirectory(place.get(), "closed").get(), stage);
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<schema::DriversFound>();
  to.setOverlay(found.overlay);
  to.setBtrfs(found.btrfs);
  if (!ipc::sendPacket(control, message)) throwErrno("tell what was found");
}

int run(int argc, char** argv) {
  Arguments arguments = parseArguments(argc, argv);
  jail::sanitise(arguments.probe ? 2 : 3 + arguments.additional);
  Fd outside(storeDescriptor);
  std::vector<Fd> additional;
  for (int i = 0; i < arguments.additional; ++i) additional.emplace_back(additionalDescriptor + i);
  View view = enterView(overlay::borrow(outside, additional));
  outside.reset();
  additional.clear();
  jail::confine(jail::Process::mounter, {});
  if (arguments.probe) {
    probe(controlDescriptor, view.store.get());
    return 0;
  }
  Mounter(Fd(controlDescriptor), std::move(view), Fd(listenerDescriptor), std::move(arguments.peer)).serve();
  return 0;
}

}  // namespace
}  // namespace bulkhead::mounter

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("mounter", bulkhead::mounter::run, argc, argv);
}
