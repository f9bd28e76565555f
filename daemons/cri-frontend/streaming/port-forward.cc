#include "daemons/cri-frontend/streaming/port-forward.h"

#include <algorithm>
#include <charconv>

#include "daemons/common/base/log.h"

namespace bulkhead::streaming {
namespace {

constexpr size_t longestRequest = 64;
constexpr size_t heldByAll = 4 * limits::queued;

template <typename Number>
std::optional<Number> numberOf(const std::string& text) {
  Number number = 0;
  auto end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

struct PortForward::Pair {
  std::string request;
  uint16_t port = 0;
  std::optional<StreamId> data;
  std::optional<StreamId> error;
  bool isOver = false;     // the client has left one of the streams
  kj::Own<Inlet> inlet;    // there from the start: the client need not wait for the connection
  kj::Own<Outlet> outlet;  // once there is a connection
  Signal over;
};

// Clients older than Kubernetes 1.4 give no request id: their streams come one behind the other, the error
// first.
std::optional<ForwardHeaders> readForwardHeaders(StreamId stream, const StreamHeaders& headers) {
  ForwardHeaders read;
  std::string type;
  for (const auto& [name, value] : headers) {
    if (name == "streamtype") type = value;
    if (name == "requestid") read.request = value;
    if (name == "port") read.port = numberOf<uint16_t>(value).value_or(0);
  }
  read.isError = type == "error";
  if ((!read.isError && type != "data") || read.port == 0 || read.request.size() > longestRequest)
    return std::nullopt;
  if (read.request.empty()) read.request = "#" + std::to_string(read.isError ? stream : stream - 2);
  return read;
}

kj::Promise<void> PortForward::run(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing,
                                   std::string early, Terms terms) {
  auto forward = kj::heap<PortForward>(loop, kj::mv(wire), kj::mv(framing), std::move(terms));
  auto& self = *forward;
  auto never = []() -> kj::Promise<void> { return kj::NEVER_DONE; };
  return self.client_.run(std::move(early), never).attach(kj::mv(forward));
}

PortForward::PortForward(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing, Terms terms)
    : loop_(loop),
      terms_(std::move(terms)),
      client_(loop, kj::mv(wire), kj::mv(framing), terms_.idle,
              {*this, [this]() { return held() < heldByAll; }, [this]() { wake(); }}),
      tasks_(*this) {}

void PortForward::wake() {
  for (auto& [request, pair] : pairs_) {
    if (pair->outlet.get() != nullptr) pair->outlet->wake();
  }
}

// More than its share of one pair counts as everything: the client has no windows, or does not mind them.
size_t PortForward::held() const {
  size_t total = 0;
  for (const auto& [request, pair] : pairs_) {
    size_t one = pair->inlet->held();
    total += one >= limits::queued ? heldByAll : one;
  }
  return total;
}

// The client's streams

bool PortForward::opened(StreamId stream, const StreamHeaders& headers) {
  auto read = readForwardHeaders(stream, headers);
  bool permitted = read && (terms_.ports.empty() || std::find(terms_.ports.begin(), terms_.ports.end(),
                                                              read->port) != terms_.ports.end());
  if (!permitted) return false;
  auto& pair = pairs_[read->request];
  if (pair.get() == nullptr) {
    pair = kj::heap<Pair>();
    pair->request = read->request;
    pair->port = read->port;
    pair->inlet = kj::heap<Inlet>([this, of = pair.get()](size_t bytes) {
      if (of->data) client_.framing().consumed(*of->data, bytes);
      client_.sent();
      client_.wake();
    });
  }
  auto& place = read->isError ? pair->error : pair->data;
  if (place || pair->port != read->port) return false;
  place = stream;
  if (pair->data && pair->error) tasks_.add(serve(*pair));
  return true;
}

PortForward::Pair* PortForward::pairOf(StreamId stream) {
  for (auto& [request, pair] : pairs_) {
    if (pair->data == stream || pair->error == stream) return pair.get();
  }
  return nullptr;
}

void PortForward::received(StreamId stream, std::string_view bytes) {
  Pair* pair = pairOf(stream);
  if (pair != nullptr && pair->data == stream) return pair->inlet->put(bytes);
  client_.framing().consumed(stream, bytes.size());
}

void PortForward::ended(StreamId stream) {
  Pair* pair = pairOf(stream);
  if (pair != nullptr && pair->data == stream) pair->inlet->end();
}

void PortForward::dropped(StreamId stream) {
  Pair* pair = pairOf(stream);
  if (pair == nullptr) return;
  if (!pair->data || !pair->error) {
    pairs_.erase(std::string(pair->request));
    return;
  }
  pair->isOver = true;
  pair->over.fire();
}

// The pod's side

kj::Promise<void> PortForward::serve(Pair& pair) {
  auto dialled = kj::evalNow([this, &pair]() { return terms_.dial(pair.port); });
  auto forwarded =
      dialled.then([this, &pair](Outcome<Fd>&& socket) { return connect(pair, std::move(socket)); });
  auto left = pair.isOver ? kj::Promise<void>(kj::READY_NOW) : pair.over.next();
  return forwarded.exclusiveJoin(kj::mv(left))
      .catch_([this, &pair](kj::Exception&& exception) {
        log::error("streaming: a forwarded port's side broke",
                   {{"error", exception.getDescription().cStr()}});
        return fail(pair, "internal error in cri");
      })
      .then([this, &pair]() { finish(pair); });
}

kj::Promise<void> PortForward::connect(Pair& pair, Outcome<Fd> socket) {
  if (!socket) return fail(pair, describe(socket.error()));
  auto room = [this, &pair]() -> std::optional<size_t> { return client_.room(*pair.data); };
  auto send = [this, &pair](std::string_view bytes) {
    client_.framing().send(*pair.data, bytes);
    client_.sent();
  };
  auto in = pair.inlet->run(loop_, duplicate(socket->get()));
  pair.outlet = kj::heap<Outlet>(loop_, std::move(*socket), false, Outlet::Sink{room, send});
  auto out = pair.outlet->run().then([this, &pair]() {
    client_.framing().end(*pair.data);
    client_.sent();
    pair.inlet->abandon();  // whoever has closed its connection reads no more
  });
  return kj::joinPromises(kj::arr(in.eagerlyEvaluate(nullptr), out.eagerlyEvaluate(nullptr)));
}

// The client reads one text, to its end, and drops the connection that it had accepted.
kj::Promise<void> PortForward::fail(Pair& pair, const std::string& reason) {
  client_.framing().send(*pair.error,
                         std::string_view(reason).substr(0, client_.framing().room(*pair.error)));
  return kj::READY_NOW;
}

void PortForward::finish(Pair& pair) {
  pair.inlet->abandon();
  for (auto stream : {pair.error, pair.data}) client_.framing().end(*stream);
  client_.sent();
  pairs_.erase(std::string(pair.request));
}

void PortForward::taskFailed(kj::Exception&& exception) {
  log::error("streaming: a forwarded port broke", {{"error", exception.getDescription().cStr()}});
}

}  // namespace bulkhead::streaming
