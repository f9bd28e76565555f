#include "daemons/cri-frontend/streaming/session.h"

#include <kj/vector.h>

#include <algorithm>

#include "daemons/common/base/log.h"

namespace bulkhead::streaming {
namespace {

constexpr size_t longestReason = 4096;

std::string shortened(std::string text) {
  if (text.size() > longestReason) text.resize(longestReason);
  return text;
}

// What breaks is told to the client, in few words.
template <typename T>
cri::Answer<T> orRefusal(cri::Answer<T> answer) {
  return answer.catch_([](kj::Exception&& exception) -> Outcome<T> {
    log::error("streaming: a command's side broke", {{"error", exception.getDescription().cStr()}});
    return refuse(Code::internal, "", "internal error in cri");
  });
}

}  // namespace

kj::Promise<void> Session::run(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing,
                               std::string early, Terms terms) {
  auto session = kj::heap<Session>(loop, kj::mv(wire), kj::mv(framing), std::move(terms));
  auto& self = *session;
  self.framing_->begin(self);
  auto over = early.empty() ? self.readClient() : self.take(std::move(early));
  over = over.exclusiveJoin(self.serve()).exclusiveJoin(self.watchIdle()).exclusiveJoin(self.writeClient());
  return over.attach(kj::mv(session));
}

Session::Session(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing, Terms terms)
    : loop_(loop),
      wire_(kj::mv(wire)),
      framing_(kj::mv(framing)),
      terms_(std::move(terms)),
      lastByte_(loop_.timer.now()),
      inlet_([this](size_t bytes) {
        framing_->consumed(streams_[Role::in], bytes);
        sent();
        space_.fire();
      }) {}

// The client's streams

bool Session::opened(StreamId stream, const StreamHeaders& headers) {
  auto role = roleOf(headers);
  if (!role || !isWanted(*role, terms_.wanted, terms_.protocol) || !streams_.emplace(*role, stream).second)
    return false;
  streamOpened_.fire();
  return true;
}

void Session::received(StreamId stream, std::string_view bytes) {
  auto role = roleOfStream(stream);
  if (role == Role::in) return inlet_.put(bytes);
  if (role == Role::resize) resizes_.feed(bytes, [this](Size size) { resized(size); });
  framing_->consumed(stream, bytes.size());
}

void Session::ended(StreamId stream) {
  if (roleOfStream(stream) == Role::in) inlet_.end();
}

void Session::dropped(StreamId stream) {
  auto role = roleOfStream(stream);
  if (!role) return;
  dropped_.insert(*role);
  if (role == Role::in) inlet_.end();
  wake();
}

std::optional<Role> Session::roleOfStream(StreamId stream) const {
  for (const auto& [role, id] : streams_) {
    if (id == stream) return role;
  }
  return std::nullopt;
}

// The last size that came before there was a terminal counts.
void Session::resized(Size size) {
  size_ = size;
  if (endpoint_.get() != nullptr) endpoint_->resize(size.width, size.height);
}

// The connection

bool Session::mayRead() const {
  return inlet_.held() < limits::queued && hasSpace();
}

kj::Promise<void> Session::readClient() {
  if (mayRead()) return wire_->read().then([this](std::string&& bytes) { return take(std::move(bytes)); });
  auto woken = space_.next().then([]() { return false; });
  return wire_->gone().exclusiveJoin(kj::mv(woken)).then([this](bool gone) -> kj::Promise<void> {
    if (gone) return kj::READY_NOW;
    return readClient();
  });
}

kj::Promise<void> Session::take(std::string bytes) {
  if (bytes.empty()) return kj::READY_NOW;
  touch();
  auto fine = framing_->feed(bytes, *this);
  sent();
  wake();  // it may have opened a window
  if (fine) return kj::evalLater([this]() { return readClient(); });
  log::debug("streaming: the client's end", {{"reason", fine.error().reason}});
  return flushed().exclusiveJoin(loop_.timer.afterDelay(limits::goodbye));
}

kj::Promise<void> Session::writeClient() {
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

kj::Promise<void> Session::flushed() {
  if (sending_ == 0 && framing_->output().empty()) return kj::READY_NOW;
  return space_.next().then([this]() { return flushed(); });
}

void Session::sent() {
  if (!framing_->output().empty()) output_.fire();
}

void Session::wake() {
  space_.fire();
  for (auto& [role, outlet] : outlets_) outlet->wake();
}

kj::Promise<void> Session::watchIdle() {
  auto left = lastByte_ + terms_.idle - loop_.timer.now();
  if (left <= 0 * kj::SECONDS) return kj::READY_NOW;
  return loop_.timer.afterDelay(left).then([this]() { return watchIdle(); });
}

// The command

kj::Promise<void> Session::serve() {
  return streamsHere()
      .then([this]() { return orRefusal(kj::evalNow([this]() { return terms_.start(); })); })
      .then([this](Outcome<kj::Own<Endpoint>>&& endpoint) { return connect(kj::mv(endpoint)); })
      .then([this]() { return goodbye(); });
}

bool Session::hasAllStreams() const {
  for (Role role : {Role::in, Role::out, Role::err, Role::error, Role::resize}) {
    if (isWanted(role, terms_.wanted, terms_.protocol) && !streams_.contains(role)) return false;
  }
  return true;
}

kj::Promise<void> Session::streamsHere() {
  if (hasAllStreams()) return kj::READY_NOW;
  auto left = limits::streamsTime;
  auto more = streamOpened_.next().then([this]() { return streamsHere(); });
  return loop_.timer.timeoutAfter(left, kj::mv(more));
}

kj::Promise<void> Session::connect(Outcome<kj::Own<Endpoint>> endpoint) {
  if (!endpoint) return sayHowItEnded(failureText(shortened(describe(endpoint.error())), terms_.protocol));
  endpoint_ = kj::mv(*endpoint);
  Descriptors descriptors = endpoint_->takeDescriptors();
  if (size_) endpoint_->resize(size_->width, size_->height);
  if (!terms_.wanted.in) inlet_.end();
  if (descriptors.in) carryingIn_ = inlet_.run(loop_, std::move(descriptors.in)).eagerlyEvaluate(nullptr);
  if (descriptors.out) addOutlet(Role::out, std::move(descriptors.out));
  if (descriptors.err) addOutlet(Role::err, std::move(descriptors.err));
  auto ended = orRefusal(endpoint_->ended()).then([this](Outcome<int>&& end) {
    end_ = std::move(end);
    for (auto& [role, outlet] : outlets_) outlet->commandEnded();
  });
  // A join looks at none of its promises before all are ready.
  ended = ended.eagerlyEvaluate(nullptr);
  auto copied = outputs();
  return kj::joinPromises(kj::arr(kj::mv(ended), kj::mv(copied))).then([this]() {
    std::string text = *end_ ? exitText(**end_, terms_.protocol)
                             : failureText(shortened(describe(end_->error())), terms_.protocol);
    return sayHowItEnded(std::move(text));
  });
}

void Session::addOutlet(Role role, Fd fd) {
  bool isWatched = streams_.contains(role);
  StreamId stream = isWatched ? streams_[role] : 0;
  auto room = [this, role, stream, isWatched]() -> std::optional<size_t> {
    if (!isWatched || dropped_.contains(role)) return std::nullopt;
    return hasSpace() ? framing_->room(stream) : 0;
  };
  auto send = [this, stream, isWatched](std::string_view bytes) {
    if (isWatched) framing_->send(stream, bytes);
    sent();
  };
  bool isTerminal = terms_.wanted.tty;
  outlets_.emplace(role, kj::heap<Outlet>(loop_, std::move(fd), isTerminal, Outlet::Sink{room, send}));
}

kj::Promise<void> Session::outputs() {
  kj::Vector<kj::Promise<void>> all;
  for (auto& [role, outlet] : outlets_) {
    auto copied = outlet->run().then([this, of = role]() {
      if (streams_.contains(of)) framing_->end(streams_[of]);
      sent();
    });
    all.add(copied.eagerlyEvaluate(nullptr));
  }
  return kj::joinPromises(all.releaseAsArray());
}

kj::Promise<void> Session::sayHowItEnded(std::string text) {
  StreamId stream = streams_[Role::error];
  size_t now = std::min(framing_->room(stream), text.size());
  framing_->send(stream, std::string_view(text).substr(0, now));
  sent();
  text.erase(0, now);
  if (!text.empty() && !dropped_.contains(Role::error)) {
    return space_.next().then(
        [this, text = std::move(text)]() mutable { return sayHowItEnded(std::move(text)); });
  }
  return kj::READY_NOW;
}

// Closing while the client's bytes still come in would cost it our last ones: TCP answers them with a reset.
kj::Promise<void> Session::goodbye() {
  inlet_.abandon();
  for (auto& [role, stream] : streams_) framing_->end(stream);
  framing_->close();
  sent();
  return flushed().then([this]() {
    wire_->endWriting();
    return loop_.timer.afterDelay(limits::goodbye);
  });
}

}  // namespace bulkhead::streaming
