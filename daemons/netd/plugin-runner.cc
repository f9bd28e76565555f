#include "daemons/netd/plugin-runner.h"

namespace bulkhead::netd {

kj::Promise<Outcome<std::string>> PluginRunner::run(PluginCall call) {
  auto flow = kj::heap<PluginRun>(port_, std::move(call));
  auto& raw = *flow;
  return raw.run(channel_).attach(kj::mv(flow));
}

kj::Promise<void> PluginRunner::lost() {
  return channel_.receive().then(
      [](ipc::Packet&&) { KJ_FAIL_REQUIRE("cni-runner spoke without being asked"); });
}

}  // namespace bulkhead::netd
