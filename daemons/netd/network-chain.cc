#include "daemons/netd/network-chain.h"

#include <algorithm>

#include "daemons/netd/plugin-config.h"

namespace bulkhead::netd {
namespace {

using Command = schema::PluginRun::Command;
using std::chrono::milliseconds;

}  // namespace

kj::Promise<Outcome<void>> NetworkChain::status(PluginRunner& runner, Conflist conflist,
                                                milliseconds timeout) {
  auto chain = kj::heap(NetworkChain(runner, std::move(conflist), timeout));
  auto& raw = *chain;
  return raw.statusNext().attach(kj::mv(chain));
}

kj::Promise<Outcome<void>> NetworkChain::collect(PluginRunner& runner, Conflist conflist,
                                                 std::vector<PodId> valid, milliseconds timeout) {
  auto chain = kj::heap(NetworkChain(runner, std::move(conflist), timeout));
  auto& raw = *chain;
  raw.valid_ = std::move(valid);
  return raw.collectNext().attach(kj::mv(chain));
}

NetworkChain::NetworkChain(PluginRunner& runner, Conflist conflist, milliseconds timeout)
    : runner_(runner),
      conflist_(std::move(conflist)),
      deadline_(std::chrono::steady_clock::now() + timeout) {}

kj::Promise<Outcome<void>> NetworkChain::statusNext() {
  if (done_ == conflist_.plugins.size()) return Outcome<void>();
  auto asked = run(Command::STATUS, statusConfig(conflist_, conflist_.plugins[done_]));
  return asked.then([this](Outcome<std::string>&& printed) -> kj::Promise<Outcome<void>> {
    if (!printed) return Outcome<void>(tl::unexpected(printed.error()));
    ++done_;
    return statusNext();
  });
}

kj::Promise<Outcome<void>> NetworkChain::collectNext() {
  if (done_ == conflist_.plugins.size()) return std::move(failure_);
  auto asked = run(Command::GC, collectConfig(conflist_, conflist_.plugins[done_], valid_));
  return asked.then([this](Outcome<std::string>&& printed) {
    if (!printed && failure_) failure_ = tl::unexpected(printed.error());
    ++done_;
    return collectNext();
  });
}

kj::Promise<Outcome<std::string>> NetworkChain::run(Command command, std::string config) {
  auto left = std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now());
  return runner_.run(
      {conflist_.plugins[done_].type, command, nullptr, std::move(config), std::max(left, milliseconds(1))});
}

}  // namespace bulkhead::netd
