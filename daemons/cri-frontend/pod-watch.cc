#include "daemons/cri-frontend/pod-watch.h"

#include <sys/socket.h>

#include <cerrno>

#include "daemons/common/base/log.h"
#include "daemons/common/base/sockets.h"
#include "ipc/scrub.h"

namespace bulkhead::cri {
namespace {

bool sharesProcesses(const Pod& pod) {
  const auto& context = pod.record.config().linux().security_context();
  return context.has_namespace_options() && context.namespace_options().pid() == ::runtime::v1::POD;
}

}  // namespace

void PodWatch::begin(const PodRef& pod) {
  if (!sharesProcesses(*pod)) return;
  tasks_.add(kj::evalNow([&]() { return waitForInit(*pod); }).then([this, pod]() { note(*pod); }));
}

kj::Promise<void> PodWatch::waitForInit(const Pod& pod) {
  Fd socket = connectTo(shimDirectory_ + "/" + pod.id.text() + ".sock", SOCK_STREAM | SOCK_NONBLOCK);
  // Full of connections that nobody took, of our earlier lives: it is there, and that is all we can know.
  if (!socket && errno == EAGAIN) return kj::NEVER_DONE;
  if (!socket) return kj::READY_NOW;
  using Provider = kj::LowLevelAsyncIoProvider;
  auto stream = io_.wrapSocketFd(
      socket.release(), Provider::TAKE_OWNERSHIP | Provider::ALREADY_CLOEXEC | Provider::ALREADY_NONBLOCK);
  auto byte = kj::heapArray<char>(1);
  auto ended = stream->tryRead(byte.begin(), 1, 1).ignoreResult().catch_([](kj::Exception&&) {});
  return ended.attach(kj::mv(byte), kj::mv(stream));
}

void PodWatch::note(Pod& pod) {
  if (pod.record.state() != record::Pod::READY || !table_.find(pod.id)) return;
  log::warning("the init of a pod has ended", {{"pod", pod.id.text()}});
  pod.record.set_state(record::Pod::NOT_READY);
  table_.save(pod);
  table_.tellStopped(pod);
}

void PodWatch::taskFailed(kj::Exception&& exception) {
  log::error("watching a pod broke", {{"error", ipc::fullText(exception)}});
}

}  // namespace bulkhead::cri
