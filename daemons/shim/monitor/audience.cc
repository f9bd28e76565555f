#include "daemons/shim/monitor/audience.h"

namespace bulkhead::shim {
namespace {

constexpr size_t mostClients = 8;
constexpr auto patience = 2 * kj::SECONDS;

}  // namespace

bool Audience::attach(AttachedClient::Sockets sockets, bool endsInput) {
  if (clients_.size() == mostClients) return false;
  auto& client = clients_.emplace_back(port_, std::move(sockets), input_, endsInput);
  if (finished_) client.finish();
  auto gone = client.run().catch_([](kj::Exception&&) {});
  tasks_.add(gone.then([this, &client]() { leave(client); }));
  return true;
}

void Audience::hear(Stream stream, std::string_view bytes) {
  for (auto& client : clients_) client.hear(stream, bytes);
}

bool Audience::keepsUp() {
  bool all = true;
  for (auto& client : clients_) all = client.keepsUp(timer_.now(), patience) && all;
  return all;
}

kj::Promise<void> Audience::aMoment() {
  constexpr auto moment = 2 * kj::MILLISECONDS;
  return timer_.afterDelay(moment);
}

void Audience::finish() {
  finished_ = true;
  for (auto& client : clients_) client.finish();
}

void Audience::leave(const AttachedClient& client) {
  clients_.remove_if([&client](const AttachedClient& each) { return &each == &client; });
}

void Audience::taskFailed(kj::Exception&&) {}

}  // namespace bulkhead::shim
