#include "daemons/netd/plugin-chain.h"

#include <algorithm>

#include "daemons/netd/plugin-config.h"

namespace bulkhead::netd {
namespace {

using Command = schema::PluginRun::Command;
using std::chrono::milliseconds;

}  // namespace

kj::Promise<Outcome<CniResult>> PluginChain::add(PluginRunner& runner, const Conflist& conflist,
                                                 const PodNetwork& pod, milliseconds timeout) {
  auto chain = kj::heap(PluginChain(runner, conflist, pod, std::nullopt, timeout));
  auto& raw = *chain;
  return raw.begin(runner.addSlots()).then([&raw]() { return raw.addNext(); }).attach(kj::mv(chain));
}

kj::Promise<Outcome<void>> PluginChain::del(PluginRunner& runner, const Conflist& conflist,
                                            const PodNetwork& pod, std::optional<Json> addResult,
                                            AtFailure atFailure, milliseconds timeout) {
  if (!conflist.speaks("0.4.0")) addResult.reset();
  auto chain = kj::heap(PluginChain(runner, conflist, pod, std::move(addResult), timeout));
  auto& raw = *chain;
  raw.atFailure_ = atFailure;
  return raw.begin(runner.delSlots()).then([&raw]() { return raw.delNext(); }).attach(kj::mv(chain));
}

kj::Promise<Outcome<void>> PluginChain::check(PluginRunner& runner, const Conflist& conflist,
                                              const PodNetwork& pod, Json addResult, milliseconds timeout) {
  auto chain = kj::heap(PluginChain(runner, conflist, pod, std::move(addResult), timeout));
  auto& raw = *chain;
  return raw.begin(runner.checkSlots()).then([&raw]() { return raw.checkNext(); }).attach(kj::mv(chain));
}

PluginChain::PluginChain(PluginRunner& runner, const Conflist& conflist, const PodNetwork& pod,
                         std::optional<Json> result, milliseconds timeout)
    : runner_(runner), conflist_(conflist), pod_(pod), result_(std::move(result)), timeout_(timeout) {}

kj::Promise<void> PluginChain::begin(Slots& slots) {
  auto slot = slots.take().then([this](kj::Own<Slots::Slot>&& taken) {
    slot_ = kj::mv(taken);
    return runner_.gate().enter();
  });
  return slot.then([this](kj::Own<Gate::Pass>&& pass) {
    pass_ = kj::mv(pass);
    startClock();
  });
}

void PluginChain::startClock() {
  deadline_ = std::chrono::steady_clock::now() + timeout_;
}

kj::Promise<Outcome<CniResult>> PluginChain::addNext() {
  if (done_ == conflist_.plugins.size()) return Outcome<CniResult>(std::move(last_));
  const Plugin& plugin = conflist_.plugins[done_];
  return run(plugin, Command::ADD).then([this, &plugin](Outcome<std::string>&& printed) {
    return added(plugin, std::move(printed));
  });
}

kj::Promise<Outcome<CniResult>> PluginChain::added(const Plugin& plugin, Outcome<std::string> printed) {
  if (!printed) return Outcome<CniResult>(tl::unexpected(printed.error()));
  auto result = parseCniResult(*printed, plugin.type);
  if (!result) return result;
  last_ = std::move(*result);
  result_ = last_.document;
  ++done_;
  return addNext();
}

kj::Promise<Outcome<void>> PluginChain::delNext() {
  if (done_ == conflist_.plugins.size()) return std::move(failure_);
  if (atFailure_ == AtFailure::goOn) startClock();
  const Plugin& plugin = conflist_.plugins[conflist_.plugins.size() - 1 - done_];
  return run(plugin, Command::DEL).then([this](Outcome<std::string>&& printed) {
    return deleted(std::move(printed));
  });
}

kj::Promise<Outcome<void>> PluginChain::deleted(Outcome<std::string> printed) {
  if (!printed && atFailure_ == AtFailure::stop) return Outcome<void>(tl::unexpected(printed.error()));
  if (!printed && failure_) failure_ = tl::unexpected(printed.error());
  ++done_;
  return delNext();
}

kj::Promise<Outcome<void>> PluginChain::checkNext() {
  if (done_ == conflist_.plugins.size()) return Outcome<void>();
  auto checked = run(conflist_.plugins[done_], Command::CHECK);
  return checked.then([this](Outcome<std::string>&& printed) -> kj::Promise<Outcome<void>> {
    if (!printed) return Outcome<void>(tl::unexpected(printed.error()));
    ++done_;
    return checkNext();
  });
}

kj::Promise<Outcome<std::string>> PluginChain::run(const Plugin& plugin, Command command) {
  auto left = std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now());
  return runner_.run({plugin.type, command, &pod_, pluginConfig(conflist_, plugin, pod_, result_),
                      std::max(left, milliseconds(1))});
}

}  // namespace bulkhead::netd
