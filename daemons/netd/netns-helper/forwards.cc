#include "daemons/netd/netns-helper/forwards.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/confine.h"
#include "daemons/netd/netns-helper/dial.h"
#include "daemons/netd/netns-helper/pump.h"

namespace bulkhead::netns {
namespace {

// Each is a process of some hundred KiB.
constexpr size_t most = 512;

bool say(const Fd& client, int number) {
  auto byte = static_cast<unsigned char>(number);
  return ::send(client.get(), &byte, 1, MSG_NOSIGNAL) == 1;
}

}  // namespace

Outcome<void> Forwards::start(const PodId& pod, const Fd& space, std::uint16_t port, Fd client) {
  if (children_.size() >= most)
    return refuse(Code::resourceExhausted, "", "too many forwarded connections on this node");
  pid_t parent = ::getpid();
  pid_t child = ::fork();
  if (child < 0) throwErrno("fork");
  if (child == 0) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(1);
    try {
      serve(space, port, std::move(client));
    } catch (const std::exception& error) {
      log::error("forwarding failed", {{"error", error.what()}});
      ::_exit(1);  // the client's connection ends without a byte
    }
  }
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  if (!process) throwErrno("pidfd_open");
  children_.push_back({pod, child, std::move(process)});
  return {};
}

Outcome<void> Forwards::startOnNode(const PodId& pod, std::uint16_t port, Fd client) {
  if (!node_) return refuse(Code::permissionDenied, "ofNode", "the ceiling does not grant it");
  return start(pod, node_, port, std::move(client));
}

void Forwards::serve(const Fd& space, std::uint16_t port, Fd client) const {
  Fd socket = dialLoopback(space, own_, port);
  if (!socket) ::_exit(say(client, errno) ? 0 : 1);
  jail::confine(jail::Process::portPump, {0, 0, {}, {client.get(), socket.get()}, std::nullopt});
  if (say(client, 0)) pump(client, socket);
  ::_exit(0);
}

void Forwards::endThoseOf(const PodId& pod) {
  for (const Child& child : children_) {
    if (child.pod == pod) (void)::syscall(SYS_pidfd_send_signal, child.process.get(), SIGKILL, nullptr, 0);
  }
}

void Forwards::reapUntilAsked(int control) {
  while (true) {
    std::vector<pollfd> watched{{control, POLLIN, 0}};
    for (const Child& child : children_) watched.push_back({child.process.get(), POLLIN, 0});
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) throwErrno("poll");
    children_.remove_if([](const Child& child) {
      return hasEnded(child.process.get(), std::chrono::milliseconds(0)) && waitFor(child.pid, std::nullopt);
    });
    if (watched[0].revents != 0) return;
  }
}

}  // namespace bulkhead::netns
