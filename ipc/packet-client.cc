#include "ipc/packet-client.h"

#include <sys/socket.h>

#include <cerrno>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/sockets.h"

namespace bulkhead::ipc {
namespace {

kj::Exception disconnected(kj::StringPtr what) {
  return {kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__, kj::str(what)};
}

}  // namespace

AsyncPacketSocket::AsyncPacketSocket(kj::UnixEventPort& port, Fd socket)
    : port_(port),
      socket_(nonBlocking(std::move(socket))),
      observer_(port_, socket_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ_WRITE) {}

kj::Promise<void> AsyncPacketSocket::send(capnp::MessageBuilder& message, std::vector<int> fds) {
  if (sendPacket(socket_.get(), message, fds)) return kj::READY_NOW;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return disconnected("peer does not take the request");
  return observer_.whenBecomesWritable().then(
      [this, &message, fds = std::move(fds)]() mutable { return send(message, std::move(fds)); });
}

kj::Promise<Packet> AsyncPacketSocket::receive() {
  try {
    if (auto packet = receivePacket(socket_.get())) return std::move(*packet);
  } catch (const std::exception&) {
    return disconnected("peer sent what is not a packet");
  }
  if (errno != EAGAIN && errno != EWOULDBLOCK) return disconnected("peer closed the connection");
  return observer_.whenBecomesReadable().then([this]() { return receive(); });
}

kj::Promise<Packet> requestPacket(kj::UnixEventPort& port, const std::string& path,
                                  kj::Own<capnp::MallocMessageBuilder> message, std::vector<Fd> fds) {
  Fd connection = connectTo(path, SOCK_SEQPACKET | SOCK_NONBLOCK);
  if (!connection) return disconnected("nobody listens");
  auto socket = kj::heap<AsyncPacketSocket>(port, std::move(connection));
  std::vector<int> borrowed;
  for (const Fd& fd : fds) borrowed.push_back(fd.get());
  auto& raw = *socket;
  auto sent = raw.send(*message, std::move(borrowed)).attach(kj::heap(std::move(fds)), kj::mv(message));
  return sent.then([&raw]() { return raw.receive(); }).attach(kj::mv(socket));
}

}  // namespace bulkhead::ipc
