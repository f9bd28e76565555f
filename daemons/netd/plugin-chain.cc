#include "daemons/netd/plugin-chain.h"

#include <algorithm>

#include "daemons/netd/plugin-config.h"

namespace bulkhead::netd {
namespace {

using Command = schema::PluginRun::Command;
using std::chrono::milliseconds;

Outcome<PluginOutput> succeeded(const Plugin& plugin, Outcome<PluginOutput> output) {
  if (!output || output->status == 0) return output;
  return tl::unexpected(pluginFailure(plugin.type, output->status, output->out, output->err));
}

}  // namespace

kj::Promise<Outcome<PluginOutput>> PluginRunner::run(PluginCall call) {
  auto flow = kj::heap<PluginRun>(port_, std::move(call));
  auto& raw = *flow;
  return raw.run(channel_).attach(kj::mv(flow));
}

kj::Promise<void> PluginRunner::lost() {
  return channel_.receive().then(
      [](ipc::Packet&&) { KJ_FAIL_REQUIRE("cni-runner spoke without being asked"); });
}

kj::Promise<Outcome<CniResult>> PluginChain::add(PluginRunner& runner, const Conflist& conflist,
                                                 const PodNetwork& pod, milliseconds timeout) {
  auto chain = kj::heap(PluginChain(runner, conflist, pod, std::nullopt, timeout));
  auto& raw = *chain;
  return raw.begin(runner.addSlots()).then([&raw]() { return raw.addNext(); }).attach(kj::mv(chain));
}

kj::Promise<Outcome<void>> PluginChain::del(PluginRunner& runner, const Conflist& conflist,
                                            const PodNetwork& pod, std::optional<Json> addResult,
                                            milliseconds timeout) {
  auto chain = kj::heap(PluginChain(runner, conflist, pod, std::move(addResult), timeout));
  auto& raw = *chain;
  return raw.begin(runner.delSlots()).then([&raw]() { return raw.delNext(); }).attach(kj::mv(chain));
}

PluginChain::PluginChain(PluginRunner& runner, const Conflist& conflist, const PodNetwork& pod,
                         std::optional<Json> result, milliseconds timeout)
    : runner_(runner), conflist_(conflist), pod_(pod), result_(std::move(result)), timeout_(timeout) {}

kj::Promise<void> PluginChain::begin(Slots& slots) {
  return slots.take().then([this](kj::Own<Slots::Slot>&& slot) {
    slot_ = kj::mv(slot);
    deadline_ = std::chrono::steady_clock::now() + timeout_;
  });
}

kj::Promise<Outcome<CniResult>> PluginChain::addNext() {
  if (done_ == conflist_.plugins.size()) return Outcome<CniResult>(std::move(last_));
  const Plugin& plugin = conflist_.plugins[done_];
  return run(plugin, Command::ADD).then([this, &plugin](Outcome<PluginOutput>&& output) {
    return added(plugin, std::move(output));
  });
}

kj::Promise<Outcome<CniResult>> PluginChain::added(const Plugin& plugin, Outcome<PluginOutput> output) {
  if (!output) return Outcome<CniResult>(tl::unexpected(output.error()));
  auto result = parseCniResult(output->out, plugin.type);
  if (!result) return result;
  last_ = std::move(*result);
  result_ = last_.document;
  ++done_;
  return addNext();
}

kj::Promise<Outcome<void>> PluginChain::delNext() {
  if (done_ == conflist_.plugins.size()) return Outcome<void>();
  const Plugin& plugin = conflist_.plugins[conflist_.plugins.size() - 1 - done_];
  return run(plugin, Command::DEL).then([this](Outcome<PluginOutput>&& output) -> kj::Promise<Outcome<void>> {
    if (!output) return Outcome<void>(tl::unexpected(output.error()));
    ++done_;
    return delNext();
  });
}

kj::Promise<Outcome<PluginOutput>> PluginChain::run(const Plugin& plugin, Command command) {
  auto left = std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now());
  PluginCall call{plugin.type, command, &pod_, pluginConfig(conflist_, plugin, pod_, result_),
                  std::max(left, milliseconds(1))};
  return runner_.run(std::move(call)).then([&plugin](Outcome<PluginOutput>&& output) {
    return succeeded(plugin, std::move(output));
  });
}

}  // namespace bulkhead::netd
