#include "daemons/netd/netns-helper/pump.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace bulkhead::netns {
namespace {

// How long a port may take for what a client that is gone has left behind, from one byte to the next.
constexpr int patienceMs = 10'000;

bool justNotNow() {
  return errno == EAGAIN || errno == EINTR;
}

class Half {
 public:
  Half(const Fd& from, const Fd& to) : from_(from.get()), to_(to.get()) {}

  [[nodiscard]] bool wantsMore() const { return !ended_ && begin_ == end_; }
  [[nodiscard]] bool hasMore() const { return begin_ != end_; }
  [[nodiscard]] bool isOver() const { return over_; }

  // As far as it goes now; false if one of the two broke.
  bool move() { return take() && give(); }

 private:
  bool take() {
    if (!wantsMore()) return true;
    ssize_t taken = ::recv(from_, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
    if (taken < 0) return justNotNow();
    ended_ = taken == 0;
    begin_ = 0;
    end_ = static_cast<size_t>(taken);
    return true;
  }

  bool give() {
    while (hasMore()) {
      ssize_t given = ::send(to_, bytes_.data() + begin_, end_ - begin_, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (given < 0) return justNotNow();
      begin_ += static_cast<size_t>(given);
    }
    if (ended_ && !over_) (void)::shutdown(to_, SHUT_WR);  // it may have left already
    over_ = ended_;
    return true;
  }

  const int from_, to_;
  std::array<char, 65536> bytes_;
  size_t begin_ = 0, end_ = 0;
  bool ended_ = false, over_ = false;
};

}  // namespace

void pump(const Fd& client, const Fd& port) {
  Half in(client, port);
  Half out(port, client);
  bool clientIsGone = false;
  while (in.move() && out.move()) {
    if (in.isOver() && (out.isOver() || clientIsGone)) return;
    auto events = [](const Half& from, const Half& to) {
      return static_cast<short>((from.wantsMore() ? POLLIN : 0) | (to.hasMore() ? POLLOUT : 0));
    };
    std::array<pollfd, 2> watched{{{client.get(), events(in, out), 0}, {port.get(), events(out, in), 0}}};
    // Who is gone says so again and again. Of the client's going we want to hear also when nothing else is
    // wanted of it.
    if (clientIsGone && !in.wantsMore()) watched[0].fd = -1;
    if (watched[1].events == 0) watched[1].fd = -1;
    int ready = ::poll(watched.data(), watched.size(), clientIsGone ? patienceMs : -1);
    if (ready == 0 || (ready < 0 && errno != EINTR)) return;
    clientIsGone = clientIsGone || (watched[0].revents & (POLLHUP | POLLERR)) != 0;
  }
}

}  // namespace bulkhead::netns
