// bulkhead-netns-helper --root DIR: makes, pins and removes pods' network namespaces for netd's main, one
// request at a time over descriptor 3.
#include <unistd.h>

#include <stdexcept>
#include <string_view>

#include "daemons/common/base/layout.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/netd/netns-helper/pins.h"
#include "daemons/netd/netns-helper/watch-socket.h"
#include "ipc/convert.h"
#include "ipc/packet.h"
#include "ipc/schema/netns.capnp.h"

namespace {

using namespace bulkhead;

constexpr int control = 3;

Layout layoutOf(int argc, char** argv) {
  if (argc != 3 || std::string_view(argv[1]) != "--root") throw std::runtime_error("usage: --root DIR");
  auto layout = Layout::at(argv[2]);
  if (!layout) throw std::runtime_error(describe(layout.error()));
  return *layout;
}

Outcome<void> makeOrRemove(netns::Pins& pins, schema::NetnsRequest::Reader request) {
  auto pod = PodId::parse(ipc::toString(request.getPodId()), "podId");
  if (!pod) return tl::unexpected(pod.error());
  return request.isMake() ? pins.make(*pod) : pins.remove(*pod);
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

void answer(netns::Pins& pins, schema::NetnsRequest::Reader request, schema::NetnsReply::Builder reply) {
  if (request.isList()) return writeList(reply, pins.list());
  if (!request.isMake() && !request.isRemove()) {
    return ipc::writeRefusal(reply.initRefused(), {Code::invalidArgument, "", "unknown verb"});
  }
  auto done = makeOrRemove(pins, request);
  if (done) return reply.setDone();
  ipc::writeRefusal(reply.initRefused(), done.error());
}

// A malformed packet ends the helper: its one peer is our own main, which is then broken or not ours any
// more.
int serve(netns::Pins& pins) {
  while (auto packet = ipc::receivePacket(control)) {
    capnp::MallocMessageBuilder message;
    auto reply = message.initRoot<schema::NetnsReply>();
    try {
      auto request = packet->as<schema::NetnsRequest>();
      if (request.isWatch()) {
        auto watched = watch(pins, request);
        if (watched) continue;
        ipc::writeRefusal(reply.initRefused(), watched.error());
      } else {
        answer(pins, request, reply);
      }
    } catch (const SystemError& error) {
      log::error("request failed", {{"error", error.what()}});
      ipc::writeRefusal(reply.initRefused(), {Code::internal, "", "a system call failed in netns-helper"});
    }
    if (!ipc::sendPacket(control, message)) return 1;
  }
  return 0;
}

int run(int argc, char** argv) {
  jail::sanitise(1);
  netns::Pins pins(layoutOf(argc, argv).netnsDirectory());
  jail::confine(jail::Process::netnsHelper, {});
  return serve(pins);
}

}  // namespace

int main(int argc, char** argv) {
  return jail::runMain("netd.netns-helper", run, argc, argv);
}
