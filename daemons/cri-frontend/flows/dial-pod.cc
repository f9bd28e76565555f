#include "daemons/cri-frontend/flows/dial-pod.h"

#include <sys/socket.h>

#include "daemons/common/base/descriptors.h"

namespace bulkhead::cri {
namespace {

using Observer = kj::UnixEventPort::FdObserver;

// The pump tries two addresses, ten seconds each.
constexpr auto patience = 30 * kj::SECONDS;

// What it says first: 0, or why not.
Outcome<Fd> connected(Fd socket, uint16_t port) {
  unsigned char number = 0;
  ssize_t said = ::recv(socket.get(), &number, 1, MSG_DONTWAIT);
  if (said != 1) return refuse(Code::internal, "port", "netd's pump ended before it connected");
  if (number == 0) return socket;
  return refuse(Code::unavailable, "port",
                "could not connect to port " + std::to_string(port) + " of the pod: " + errnoText(number));
}

Answer<Fd> waitUntilConnected(Loop loop, Fd socket, uint16_t port) {
  auto observer = kj::heap<Observer>(loop.port, socket.get(), Observer::OBSERVE_READ);
  auto said = observer->whenBecomesReadable().then([]() { return true; }).attach(kj::mv(observer));
  auto tooLate = loop.timer.afterDelay(patience).then([]() { return false; });
  return said.exclusiveJoin(kj::mv(tooLate))
      .then([socket = std::move(socket), port](bool hasSaid) mutable -> Outcome<Fd> {
        if (hasSaid) return connected(std::move(socket), port);
        return refuse(Code::deadlineExceeded, "port", "the pod's port does not answer");
      });
}

}  // namespace

Answer<Fd> dialPod(Frontend& frontend, const PodId& pod, uint16_t port) {
  auto found = frontend.pods.find(pod);
  if (!found || found->record.state() != record::Pod::READY)
    return refused<Fd>({Code::failedPrecondition, "pod_sandbox_id", "the pod is not ready"});
  SocketPair pair = makeSocketPair(SOCK_STREAM);
  auto asked = frontend.netd.forward(pod, port, found->record.host_network(), std::move(pair.second));
  return andThen(kj::mv(asked), [loop = frontend.loop, ours = nonBlocking(std::move(pair.first)),
                                 port]() mutable { return waitUntilConnected(loop, std::move(ours), port); });
}

}  // namespace bulkhead::cri
