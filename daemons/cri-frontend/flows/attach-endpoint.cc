#include "daemons/cri-frontend/flows/attach-endpoint.h"

#include <sys/socket.h>

#include "daemons/common/base/sockets.h"

namespace bulkhead::cri {

using Opened = kj::Own<streaming::Endpoint>;

Answer<Opened> AttachEndpoint::open(Frontend& frontend, ContainerRef container, streaming::Wanted wanted) {
  auto endpoint = kj::heap<AttachEndpoint>(frontend, container->id);
  auto& self = *endpoint;
  bool endsInput = container->record.config().stdin_once();
  auto attached = andThen(self.askWhetherItCan(),
                          [&self, wanted, endsInput]() { return self.attach(wanted, endsInput); });
  return andThen(kj::mv(attached), [endpoint = kj::mv(endpoint)]() mutable -> Answer<Opened> {
    return Outcome<Opened>(kj::mv(endpoint));
  });
}

// Shims outlive upgrades.
Answer<void> AttachEndpoint::askWhetherItCan() {
  constexpr uint32_t attaches = 3;  // shim.capnp
  return andThen(peers_.shimProtocol(container_), [](uint32_t protocol) -> Answer<void> {
    if (protocol >= attaches) return good();
    return refused<void>({Code::failedPrecondition, "container_id",
                          "the container's monitor is of an older version, to which nobody can attach"});
  });
}

Answer<void> AttachEndpoint::attach(streaming::Wanted wanted, bool endsInput) {
  UpkeepClient::Attached theirs{.in = {}, .out = {}, .err = {}, .endsInput = endsInput};
  auto connect = [](bool asked, Fd& here, Fd& there) {
    if (!asked) return;
    auto pair = makeSocketPair(SOCK_STREAM);
    here = std::move(pair.first);
    there = std::move(pair.second);
  };
  connect(wanted.in, ours_.in, theirs.in);
  connect(wanted.out, ours_.out, theirs.out);
  connect(wanted.err, ours_.err, theirs.err);
  return peers_.attach(container_, std::move(theirs));
}

// The last size counts.
void AttachEndpoint::resize(uint16_t width, uint16_t height) {
  resizing_ = peers_.resize(container_, width, height).eagerlyEvaluate([](kj::Exception&&) {
    return Outcome<void>();
  });
}

Answer<int> AttachEndpoint::ended() {
  return andThen(peers_.ended(container_), []() -> Answer<int> { return Outcome<int>(0); });
}

}  // namespace bulkhead::cri
