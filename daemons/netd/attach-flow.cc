#include "daemons/netd/attach-flow.h"

#include "daemons/netd/host-ports.h"
#include "daemons/netd/plugin-chain.h"

namespace bulkhead::netd {

kj::Promise<Outcome<CniResult>> AttachFlow::run() {
  return prepare()
      .then([this](Outcome<void>&& prepared) { return add(std::move(prepared)); })
      .then([this](Outcome<CniResult>&& result) { return keep(std::move(result)); });
}

// The helper works while the disk does; what cannot be recorded makes nothing.
kj::Promise<Outcome<void>> AttachFlow::prepare() {
  auto written = tools_.owed.write(record_);
  auto made = tools_.netns.make(record_.pod.id);
  return written.then([made = kj::mv(made)]() mutable { return kj::mv(made); });
}

kj::Promise<Outcome<CniResult>> AttachFlow::add(Outcome<void> prepared) {
  if (!prepared) return Outcome<CniResult>(tl::unexpected(prepared.error()));
  return PluginChain::add(tools_.runner, record_.conflist, record_.pod, tools_.settings.addTimeout);
}

kj::Promise<Outcome<CniResult>> AttachFlow::keep(Outcome<CniResult> result) {
  if (!result) return result;
  if (auto served = checkFamilies(record_.pod.portMappings, result->addresses); !served)
    return Outcome<CniResult>(tl::unexpected(served.error()));
  auto kept = tools_.owed.writeResult(record_.pod.id, *result);
  return kept.then([result = std::move(result)]() mutable { return std::move(result); });
}

}  // namespace bulkhead::netd
