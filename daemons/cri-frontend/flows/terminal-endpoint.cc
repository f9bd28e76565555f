#include "daemons/cri-frontend/flows/terminal-endpoint.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/sockets.h"

namespace bulkhead::cri {
namespace {

constexpr uint32_t noTimeout = 0;

using Opened = kj::Own<streaming::Endpoint>;

// The launcher hung up without sending one: its answer says why.
Answer<Opened> whyNot(Answer<ExecResult> running) {
  return exitCodeOf(kj::mv(running)).then([](Outcome<int>&& end) -> Outcome<Opened> {
    if (!end) return tl::unexpected<Refusal>(end.error());
    return refuse(Code::internal, "tty", "the launcher sent no terminal");
  });
}

}  // namespace

Answer<Opened> TerminalEndpoint::open(Frontend& frontend, const ContainerId& container,
                                      const std::vector<std::string>& command) {
  auto pair = makeSocketPair(SOCK_STREAM);
  LauncherClient::ExecPipes pipes;
  pipes.terminal = std::move(pair.second);
  auto running =
      frontend.launcher.exec(container, command, noTimeout, std::move(pipes)).eagerlyEvaluate(nullptr);
  using Provider = kj::LowLevelAsyncIoProvider;
  constexpr unsigned flags =
      Provider::TAKE_OWNERSHIP | Provider::ALREADY_CLOEXEC | Provider::ALREADY_NONBLOCK;
  auto socket = frontend.loop.io.wrapUnixSocketFd(nonBlocking(std::move(pair.first)).release(), flags);
  auto received = socket->tryReceiveFd().attach(kj::mv(socket));
  return received.then(
      [running = kj::mv(running)](kj::Maybe<kj::AutoCloseFd>&& fd) mutable -> Answer<Opened> {
        KJ_IF_MAYBE (master, fd) {
          Opened endpoint = kj::heap<TerminalEndpoint>(duplicate(master->get()), kj::mv(running));
          return Outcome<Opened>(kj::mv(endpoint));
        }
        return whyNot(kj::mv(running));
      });
}

streaming::Descriptors TerminalEndpoint::takeDescriptors() {
  return {duplicate(master_.get()), duplicate(master_.get()), {}};
}

void TerminalEndpoint::resize(uint16_t width, uint16_t height) {
  winsize size{};
  size.ws_col = width;
  size.ws_row = height;
  (void)::ioctl(master_.get(), TIOCSWINSZ, &size);
}

}  // namespace bulkhead::cri
