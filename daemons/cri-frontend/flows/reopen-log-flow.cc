#include "daemons/cri-frontend/flows/reopen-log-flow.h"

#include "daemons/cri-frontend/translate/peer-fields.h"

namespace bulkhead::cri {

Answer<void> ReopenLogFlow::run(Frontend& frontend, const ContainerId& container) {
  auto flow = kj::heap<ReopenLogFlow>(frontend, container);
  auto& self = *flow;
  auto able = self.askWhetherItCan();
  auto opened = andThen(kj::mv(able), [&self]() { return self.openFile(); });
  auto done = andThen(kj::mv(opened), [&self]() { return self.handOver(); });
  return reworded(kj::mv(done), [](Refusal refusal) { return inCriTerms(std::move(refusal), Asked::call); })
      .attach(kj::mv(flow));
}

// Before a file is made that nobody would write to. Shims outlive upgrades.
Answer<void> ReopenLogFlow::askWhetherItCan() {
  constexpr uint32_t reopens = 2;  // shim.capnp
  return andThen(peers_.shimProtocol(container_), [](uint32_t protocol) -> Answer<void> {
    if (protocol >= reopens) return good();
    return refused<void>({Code::failedPrecondition, "container_id",
                          "the container's monitor is of an older version, which keeps the log that it has"});
  });
}

Answer<void> ReopenLogFlow::openFile() {
  return andThen(peers_.openLog(container_), [this](Fd&& file) -> Answer<void> {
    log_ = std::move(file);
    if (log_) return good();
    return refused<void>({Code::internal, "", "the launcher answered without the file"});
  });
}

Answer<void> ReopenLogFlow::handOver() {
  return peers_.reopenLog(container_, std::move(log_));
}

}  // namespace bulkhead::cri
