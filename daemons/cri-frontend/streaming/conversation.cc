#include "daemons/cri-frontend/streaming/conversation.h"

#include "daemons/common/base/log.h"

namespace bulkhead::streaming {

Conversation::Conversation(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing, kj::Duration idle,
                           Owner owner)
    : loop_(loop),
      wire_(kj::mv(wire)),
      framing_(kj::mv(framing)),
      idle_(idle),
      owner_(std::move(owner)),
      lastByte_(loop_.timer.now()) {}

kj::Promise<void> Conversation::run(std::string early, std::function<kj::Promise<void>()> serve) {
  framing_->begin(owner_.receiver);
  auto over = early.empty() ? readClient() : take(std::move(early));
  return over.exclusiveJoin(serve()).exclusiveJoin(watchIdle()).exclusiveJoin(writeClient());
}

kj::Promise<void> Conversation::readClient() {
  if (hasSpace() && owner_.mayRead())
    return wire_->read().then([this](std::string&& bytes) { return take(std::move(bytes)); });
  auto woken = space_.next().then([]() { return false; });
  return wire_->gone().exclusiveJoin(kj::mv(woken)).then([this](bool gone) -> kj::Promise<void> {
    if (gone) return kj::READY_NOW;
    return readClient();
  });
}

kj::Promise<void> Conversation::take(std::string bytes) {
  if (bytes.empty()) return kj::READY_NOW;
  touch();
  auto fine = framing_->feed(bytes, owner_.receiver);
  sent();
  wake();  // it may have opened a window
  if (fine) return kj::evalLater([this]() { return readClient(); });
  log::debug("streaming: the client's end", {{"reason", fine.error().reason}});
  return flushed().exclusiveJoin(loop_.timer.afterDelay(limits::goodbye));
}

kj::Promise<void> Conversation::writeClient() {
  if (framing_->output().empty()) return output_.next().then([this]() { return writeClient(); });
  std::string bytes = std::move(framing_->output());
  framing_->output().clear();
  sending_ = bytes.size();
  return wire_->write(std::move(bytes)).then([this]() {
    sending_ = 0;
    touch();
    wake();
    return writeClient();
  });
}

kj::Promise<void> Conversation::flushed() {
  if (sending_ == 0 && framing_->output().empty()) return kj::READY_NOW;
  return space_.next().then([this]() { return flushed(); });
}

void Conversation::sent() {
  if (!framing_->output().empty()) output_.fire();
}

void Conversation::wake() {
  space_.fire();
  owner_.moved();
}

kj::Promise<void> Conversation::watchIdle() {
  auto left = lastByte_ + idle_ - loop_.timer.now();
  if (left <= 0 * kj::SECONDS) return kj::READY_NOW;
  return loop_.timer.afterDelay(left).then([this]() { return watchIdle(); });
}

// Closing while the client's bytes still come in would cost it our last ones: TCP answers them with a reset.
kj::Promise<void> Conversation::goodbye() {
  framing_->close();
  sent();
  return flushed().then([this]() {
    wire_->endWriting();
    return loop_.timer.afterDelay(limits::goodbye);
  });
}

}  // namespace bulkhead::streaming
