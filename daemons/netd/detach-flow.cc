#include "daemons/netd/detach-flow.h"

namespace bulkhead::netd {

DetachFlow::DetachFlow(const Tools& tools, OwedRecord record, std::optional<CniResult> result,
                       PluginChain::AtFailure atFailure)
    : tools_(tools), record_(std::move(record)), result_(std::move(result)), atFailure_(atFailure) {}

kj::Promise<Outcome<void>> DetachFlow::run() {
  return del()
      .then([this](Outcome<void>&& deleted) { return removeNamespace(std::move(deleted)); })
      .then([this](Outcome<void>&& removed) { return forget(std::move(removed)); });
}

// Also without a namespace (after a reboot): what IPAM keeps on disk is freed only by this.
kj::Promise<Outcome<void>> DetachFlow::del() {
  std::optional<Json> prevResult;
  if (result_ && result_->document.is_object()) prevResult = result_->document;
  return PluginChain::del(tools_.runner, record_.conflist, record_.pod, std::move(prevResult), atFailure_,
                          tools_.settings.delTimeout);
}

kj::Promise<Outcome<void>> DetachFlow::removeNamespace(Outcome<void> deleted) {
  if (!deleted) return deleted;
  return tools_.netns.remove(record_.pod.id);
}

kj::Promise<Outcome<void>> DetachFlow::forget(Outcome<void> removed) {
  if (!removed) return removed;
  return tools_.owed.forget(record_.pod.id).then([]() { return Outcome<void>(); });
}

}  // namespace bulkhead::netd
