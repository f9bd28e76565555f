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
  return self.client_.run(std::move(early), [&self]() { return self.serve(); }).attach(kj::mv(session));
}

Session::Session(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing, Terms terms)
    : loop_(loop),
      terms_(std::move(terms)),
      client_(loop, kj::mv(wire), kj::mv(framing), terms_.idle,
              {*this, [this]() { return inlet_.held() < limits::queued; },
               [this]() {
                 for (auto& [role, outlet] : outlets_) outlet->wake();
               }}),
      inlet_([this](size_t bytes) {
        client_.framing().consumed(streams_[Role::in], bytes);
        client_.sent();
        client_.wake();
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
  client_.framing().consumed(stream, bytes.size());
}

void Session::ended(StreamId stream) {
  if (roleOfStream(stream) == Role::in) inlet_.end();
}

void Session::dropped(StreamId stream) {
  auto role = roleOfStream(stream);
  if (!role) return;
  dropped_.insert(*role);
  if (role == Role::in) inlet_.end();
  client_.wake();
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

// The command

kj::Promise<void> Session::serve() {
  return streamsHere()
      .then([this]() { return orRefusal(kj::evalNow([this]() { return terms_.start(); })); })
      .then([this](Outcome<kj::Own<Endpoint>>&& endpoint) { return connect(kj::mv(endpoint)); })
      .then([this]() {
        inlet_.abandon();
        for (auto& [role, stream] : streams_) client_.framing().end(stream);
        return client_.goodbye();
      });
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
    return client_.room(stream);
  };
  auto send = [this, stream, isWatched](std::string_view bytes) {
    if (isWatched) client_.framing().send(stream, bytes);
    client_.sent();
  };
  bool isTerminal = terms_.wanted.tty;
  outlets_.emplace(role, kj::heap<Outlet>(loop_, std::move(fd), isTerminal, Outlet::Sink{room, send}));
}

kj::Promise<void> Session::outputs() {
  kj::Vector<kj::Promise<void>> all;
  for (auto& [role, outlet] : outlets_) {
    auto copied = outlet->run().then([this, of = role]() {
      if (streams_.contains(of)) client_.framing().end(streams_[of]);
      client_.sent();
    });
    all.add(copied.eagerlyEvaluate(nullptr));
  }
  return kj::joinPromises(all.releaseAsArray());
}

kj::Promise<void> Session::sayHowItEnded(std::string text) {
  StreamId stream = streams_[Role::error];
  size_t now = std::min(client_.framing().room(stream), text.size());
  client_.framing().send(stream, std::string_view(text).substr(0, now));
  client_.sent();
  text.erase(0, now);
  if (!text.empty() && !dropped_.contains(Role::error)) {
    return client_.moved().then(
        [this, text = std::move(text)]() mutable { return sayHowItEnded(std::move(text)); });
  }
  return kj::READY_NOW;
}

}  // namespace bulkhead::streaming
