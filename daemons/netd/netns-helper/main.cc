// bulkhead-netns-helper --root DIR [--node]: makes, pins and removes pods' network namespaces for netd's
// main, one request at a time over descriptor 3. With --node it may also connect to ports of the node.
#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

#include "daemons/common/base/layout.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/netd/netns-helper/forwards.h"
#include "daemons/netd/netns-helper/pins.h"
#include "daemons/netd/netns-helper/watch-socket.h"
#include "ipc/convert.h"
#include "ipc/packet.h"
#include "ipc/schema/netns.capnp.h"

namespace {

using namespace bulkhead;

constexpr int control = 3;

// What it works on: pins, and children that carry bytes.
struct Namespaces {
  netns::Pins pins;
  netns::Forwards forwards;
};

struct Options {
  Layout layout;
  bool ofNode = false;
};

Options optionsOf(int argc, char** argv) {
  bool ofNode = argc == 4 && std::string_view(argv[3]) == "--node";
  if ((argc != 3 && !ofNode) || std::string_view(argv[1]) != "--root")
    throw std::runtime_error("usage: --root DIR [--node]");
  auto layout = Layout::at(argv[2]);
  if (!layout) throw std::runtime_error(describe(layout.error()));
  return {*layout, ofNode};
}

Fd ownNamespace() {
  Fd space(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!space) throwErrno("open the own network namespace");
  return space;
}

Outcome<void> makeOrRemove(Namespaces& spaces, schema::NetnsRequest::Reader request) {
  auto pod = PodId::parse(ipc::toString(request.getPodId()), "podId");
  if (!pod) return tl::unexpected(pod.error());
  if (request.isMake()) return spaces.pins.make(*pod);
  spaces.forwards.endThoseOf(*pod);
  return spaces.pins.remove(*pod);
}

Outcome<void> forward(Namespaces& spaces, ipc::Packet& packet) {
  auto request = packet.as<schema::NetnsRequest>();
  auto pod = PodId::parse(ipc::toString(request.getPodId()), "podId");
  if (!pod) return tl::unexpected(pod.error());
  auto wanted = request.getForward();
  Fd client = packet.takeFd(0);
  if (!client || wanted.getPort() == 0)
    return refuse(Code::invalidArgument, "", "a client or a port is missing");
  if (wanted.getOfNode()) return spaces.forwards.startOnNode(*pod, wanted.getPort(), std::move(client));
  Fd space = spaces.pins.open(*pod);
  if (!space) return refuse(Code::notFound, "podId", "has no network namespace here");
  return spaces.forwards.start(*pod, space, wanted.getPort(), std::move(client));
}

void writeList(schema::NetnsReply::Builder reply, const std::vector<PodId>& pods) {
  auto list = reply.initPods(static_cast<unsigned>(pods.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, pods[i].text());
}

// The answer, from a child: a namespace is entered by the whole process.
int sendWatchSocket(const Fd& space) {
  Fd socket = netns::openWatchSocket(space);
  if (!socket) return errno;
  capnp::MallocMessageBuilder message;
  message.initRoot<schema::NetnsReply>().setDone();
  return ipc::sendPacket(control, message, {socket.get()}) ? 0 : EIO;
}

// Refused, or answered already.
Outcome<void> watch(netns::Pins& pins, schema::NetnsRequest::Reader request) {
  auto pod = PodId::parse(ipc::toString(request.getPodId()), "podId");
  if (!pod) return tl::unexpected(pod.error());
  Fd space = pins.open(*pod);
  if (!space) return refuse(Code::notFound, "podId", "has no network namespace here");
  pid_t child = ::fork();
  if (child < 0) throwErrno("fork");
  if (child == 0) ::_exit(sendWatchSocket(space));
  int number = waitFor(child, std::nullopt)->code;
  if (number == 0) return {};
  return refuse(Code::internal, "", "could not open a socket in the pod's network namespace");
}

void answer(Namespaces& spaces, ipc::Packet& packet, schema::NetnsReply::Builder reply) {
  auto request = packet.as<schema::NetnsRequest>();
  if (request.isList()) return writeList(reply, spaces.pins.list());
  if (!request.isMake() && !request.isRemove() && !request.isForward()) {
    return ipc::writeRefusal(reply.initRefused(), {Code::invalidArgument, "", "unknown verb"});
  }
  auto done = request.isForward() ? forward(spaces, packet) : makeOrRemove(spaces, request);
  if (done) return reply.setDone();
  ipc::writeRefusal(reply.initRefused(), done.error());
}

// A malformed packet ends the helper: its one peer is our own main, which is then broken or not ours any
// more.
int serve(Namespaces& spaces) {
  while (true) {
    spaces.forwards.reapUntilAsked(control);
    auto packet = ipc::receivePacket(control);
    if (!packet) return 0;
    capnp::MallocMessageBuilder message;
    auto reply = message.initRoot<schema::NetnsReply>();
    try {
      auto request = packet->as<schema::NetnsRequest>();
      if (request.isWatch()) {
        auto watched = watch(spaces.pins, request);
        if (watched) continue;
        ipc::writeRefusal(reply.initRefused(), watched.error());
      } else {
        answer(spaces, *packet, reply);
      }
    } catch (const SystemError& error) {
      log::error("request failed", {{"error", error.what()}});
      ipc::writeRefusal(reply.initRefused(), {Code::internal, "", "a system call failed in netns-helper"});
    }
    if (!ipc::sendPacket(control, message)) return 1;
  }
}

int run(int argc, char** argv) {
  jail::sanitise(1);
  Options options = optionsOf(argc, argv);
  netns::Pins pins(options.layout.netnsDirectory());
  Fd node = options.ofNode ? ownNamespace() : Fd();
  jail::confine(jail::Process::netnsHelper, {});
  Namespaces spaces{std::move(pins), {std::move(node), ownNamespace()}};
  return serve(spaces);
}

}  // namespace

int main(int argc, char** argv) {
  return jail::runMain("netd.netns-helper", run, argc, argv);
}
