#include "daemons/netd/check-flow.h"

#include "daemons/common/base/log.h"
#include "daemons/netd/plugin-chain.h"

namespace bulkhead::netd {

bool CheckFlow::isPossible(const OwedRecord& record, const CniResult& result) {
  return record.conflist.speaks("0.4.0") && !record.conflist.disableCheck && result.document.is_object();
}

kj::Promise<void> CheckFlow::run() {
  auto checked =
      PluginChain::check(tools_.runner, record_.conflist, record_.pod, result_, tools_.settings.checkTimeout);
  return checked.then([this](Outcome<void>&& outcome) {
    if (outcome) return;
    log::warning("a pod's network is not as its ADD left it",
                 {{"pod", record_.pod.id.text()}, {"reason", describe(outcome.error())}});
  });
}

}  // namespace bulkhead::netd
