#include "ipc/packet.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"
#include "ipc/limits.h"

namespace bulkhead::ipc {
namespace {

constexpr char inlineBody = 'i';
constexpr char memfdBody = 'm';
constexpr int requiredSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
constexpr size_t maxFds = limits::packetFds + 1;  // and the memfd

capnp::ReaderOptions readerOptions() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = 2 * limits::packetBody / sizeof(capnp::word);
  options.nestingLimit = limits::rpcNesting;
  return options;
}

kj::Array<capnp::word> copyWords(const char* bytes, size_t size) {
  if (size == 0 || size % sizeof(capnp::word) != 0) throw std::runtime_error("packet is not whole words");
  auto words = kj::heapArray<capnp::word>(size / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes, size);
  return words;
}

Fd makeBody(kj::ArrayPtr<const capnp::word> words) {
  Fd fd(::memfd_create("bulkhead-packet", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) throwErrno("memfd_create");
  auto bytes = words.asBytes();
  if (!writeAll(fd.get(), {reinterpret_cast<const char*>(bytes.begin()), bytes.size()}))
    throwErrno("write memfd");
  if (::fcntl(fd.get(), F_ADD_SEALS, requiredSeals | F_SEAL_SEAL) != 0) throwErrno("seal memfd");
  return fd;
}

// The peer could still write to a memfd that is not sealed while we read it.
kj::Array<capnp::word> readBody(int fd) {
  int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & requiredSeals) != requiredSeals)
    throw std::runtime_error("packet body is not sealed");
  struct stat info {};
  if (::fstat(fd, &info) != 0) throwErrno("fstat memfd");
  auto size = static_cast<size_t>(info.st_size);
  if (size == 0 || size > limits::packetBody || size % sizeof(capnp::word) != 0) {
    throw std::runtime_error("packet body has a bad size");
  }
  auto words = kj::heapArray<capnp::word>(size / sizeof(capnp::word));
  auto bytes = words.asBytes();
  for (size_t done = 0; done < size;) {
    ssize_t n = ::pread(fd, bytes.begin() + done, size - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw std::runtime_error("packet body is short");
    done += static_cast<size_t>(n);
  }
  return words;
}

std::vector<Fd> takeFds(struct msghdr& header) {
  std::vector<Fd> fds;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

bool waitReadable(int socket, std::chrono::milliseconds timeout) {
  struct pollfd ready {
    socket, POLLIN, 0
  };
  int n = 0;
  while ((n = ::poll(&ready, 1, static_cast<int>(timeout.count()))) < 0 && errno == EINTR) {
  }
  if (n == 0) errno = EAGAIN;
  return n > 0;
}

void waitWith(const Patience& patience, std::chrono::steady_clock::time_point deadline, int fd) {
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> ready{{{fd, POLLIN, 0}, {patience.cancelled, POLLIN, 0}}};
    int n = left.count() <= 0 ? 0 : ::poll(ready.data(), ready.size(), static_cast<int>(left.count()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throwErrno("poll");
    if (n == 0) throw std::runtime_error("message did not come in time");
    if (ready[1].revents != 0) throw std::runtime_error("nobody wants the message any more");
    return;
  }
}

}  // namespace

Packet::Packet(kj::Array<capnp::word> words, std::vector<Fd> fds)
    : words_(kj::mv(words)),
      reader_(kj::heap<capnp::FlatArrayMessageReader>(words_.asPtr(), readerOptions())),
      fds_(std::move(fds)) {}

Fd Packet::takeFd(size_t index) {
  return index < fds_.size() ? std::move(fds_[index]) : Fd();
}

bool sendPacket(int socket, capnp::MessageBuilder& message, const std::vector<int>& fds) {
  auto words = capnp::messageToFlatArray(message);
  auto bytes = words.asBytes();
  if (bytes.size() > limits::packetBody || fds.size() > limits::packetFds)
    throw std::logic_error("packet too large");

  std::vector<int> all = fds;
  Fd body;
  char kind = inlineBody;
  if (bytes.size() > limits::packetInline) {
    body = makeBody(words.asPtr());
    all.insert(all.begin(), body.get());
    kind = memfdBody;
  }
  std::array<iovec, 2> parts{{{&kind, 1}, {const_cast<unsigned char*>(bytes.begin()), bytes.size()}}};
  struct msghdr header {};
  header.msg_iov = parts.data();
  header.msg_iovlen = kind == inlineBody ? 2 : 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * maxFds)> control{};
  if (!all.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * all.size());
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * all.size());
    std::memcpy(CMSG_DATA(c), all.data(), sizeof(int) * all.size());
  }
  ssize_t n = 0;
  while ((n = ::sendmsg(socket, &header, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
  }
  return n >= 0;
}

std::optional<Packet> receivePacket(int socket, std::optional<std::chrono::milliseconds> timeout) {
  if (timeout && !waitReadable(socket, *timeout)) return std::nullopt;
  std::vector<char> buffer(limits::packetInline + 1);
  struct iovec part {
    buffer.data(), buffer.size()
  };
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * maxFds)> control{};
  struct msghdr header {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t n = 0;
  while ((n = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (n < 0 && errno == ECONNRESET) n = 0;
  if (n < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    throwErrno("recvmsg");
  }
  std::vector<Fd> fds = takeFds(header);  // owned before anything can throw
  if (n == 0) {
    errno = 0;
    return std::nullopt;
  }
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) throw std::runtime_error("packet is too large");
  if (buffer[0] == inlineBody)
    return Packet(copyWords(buffer.data() + 1, static_cast<size_t>(n) - 1), std::move(fds));
  if (buffer[0] != memfdBody || n != 1 || fds.empty()) throw std::runtime_error("packet has an unknown form");
  auto words = readBody(fds[0].get());
  fds.erase(fds.begin());
  return Packet(kj::mv(words), std::move(fds));
}

bool writeMessage(int fd, capnp::MessageBuilder& message) {
  auto words = capnp::messageToFlatArray(message);
  uint64_t count = words.size();
  return writeAll(fd, {reinterpret_cast<const char*>(&count), sizeof count}) &&
         writeAll(fd, {reinterpret_cast<const char*>(words.begin()), words.size() * sizeof(capnp::word)});
}

std::optional<Packet> readMessage(int fd, size_t limitBytes, const std::optional<Patience>& patience) {
  auto deadline =
      std::chrono::steady_clock::now() + (patience ? patience->limit : std::chrono::milliseconds());
  auto readExactly = [&](void* to, size_t size) {
    size_t done = 0;
    while (done < size) {
      if (patience) waitWith(*patience, deadline, fd);
      ssize_t n = ::read(fd, static_cast<char*>(to) + done, size - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throwErrno("read message");
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  };
  uint64_t count = 0;
  size_t got = readExactly(&count, sizeof count);
  if (got == 0) return std::nullopt;
  if (got != sizeof count || count == 0 || count > limitBytes / sizeof(capnp::word)) {
    throw std::runtime_error("message has a bad size");
  }
  auto words = kj::heapArray<capnp::word>(count);
  if (readExactly(words.begin(), count * sizeof(capnp::word)) != count * sizeof(capnp::word)) {
    throw std::runtime_error("message is short");
  }
  return Packet(kj::mv(words), {});
}

}  // namespace bulkhead::ipc
