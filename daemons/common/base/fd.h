// Fd: the only owner of a file descriptor in this tree. No implicit conversion to int: a borrowed descriptor
// is always spelled `.get()`.
#pragma once

#include <utility>

namespace bulkhead {

class Fd {
 public:
  Fd() = default;
  // Takes ownership of `fd`; -1 is the empty Fd.
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  // Borrowed; valid only while this Fd lives.
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }

  // Gives ownership away.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

// A second, close-on-exec descriptor for the same open file. Throws SystemError.
Fd duplicate(int fd);

// Read end, write end; both close-on-exec. Throws SystemError.
struct Pipe {
  Fd read;
  Fd write;
};
Pipe makePipe();

// A connected pair of the given type (SOCK_STREAM or SOCK_SEQPACKET), close-on-exec. Throws SystemError.
struct SocketPair {
  Fd first;
  Fd second;
};
SocketPair makeSocketPair(int type);

}  // namespace bulkhead
