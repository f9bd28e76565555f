#include "daemons/storaged/zygote-client.h"

#include <fcntl.h>

#include <utility>

#include "daemons/common/base/log.h"
#include "ipc/scrub.h"

namespace bulkhead::storaged {
namespace {

// Layers flow through three pipes; a large buffer saves wake-ups. Past the user's share (pipe(7),
// pipe-user-pages-soft) the kernel refuses and the default size does.
constexpr int pipeBytes = 1024 * 1024;

Pipe makeWidePipe() {
  Pipe pipe = makePipe();
  (void)::fcntl(pipe.write.get(), F_SETPIPE_SZ, pipeBytes);
  return pipe;
}

void describeLayers(schema::WorkerRequest::Compose::Builder to, const std::optional<LayerName>& onto,
                    const std::vector<LayerName>& layers) {
  if (onto) to.setOnto(onto->text());
  auto list = to.initLayers(static_cast<capnp::uint>(layers.size()));
  for (capnp::uint i = 0; i < list.size(); ++i) list.set(i, layers[i].text());
}

}  // namespace

WorkerLease::WorkerLease(WorkerLease&& other) noexcept
    : zygote_(std::exchange(other.zygote_, nullptr)), number_(other.number_) {}

WorkerLease& WorkerLease::operator=(WorkerLease&& other) noexcept {
  if (this != &other) {
    end();
    zygote_ = std::exchange(other.zygote_, nullptr);
    number_ = other.number_;
  }
  return *this;
}

void WorkerLease::end() {
  if (auto* zygote = std::exchange(zygote_, nullptr)) zygote->kill(number_);
}

ZygoteClient::ZygoteClient(kj::UnixEventPort& port, Fd socket) : socket_(port, std::move(socket)) {}

Worker ZygoteClient::unpack(const LayerName& layer) {
  return start(true, false, [&](Request request) { request.setUnpack(layer.text()); });
}

Worker ZygoteClient::keep(const LayerName& layer) {
  return start(true, false, [&](Request request) { request.setKeep(layer.text()); });
}

Worker ZygoteClient::erase(const LayerName& inTrash) {
  return start(false, false, [&](Request request) { request.setErase(inTrash.text()); });
}

Worker ZygoteClient::measure(const ContainerId& container) {
  return start(false, false, [&](Request request) { request.setMeasure(container.text()); });
}

Worker ZygoteClient::composeTree(const LayerName& tree, const std::optional<LayerName>& onto,
                                 const std::vector<LayerName>& layers) {
  return start(false, false, [&](Request request) {
    auto compose = request.initCompose();
    compose.getInto().setTree(tree.text());
    describeLayers(compose, onto, layers);
  });
}

Worker ZygoteClient::composeRoot(const ContainerId& container, const std::optional<LayerName>& onto,
                                 const std::vector<LayerName>& layers) {
  return start(false, false, [&](Request request) {
    auto compose = request.initCompose();
    compose.getInto().setContainer(container.text());
    describeLayers(compose, onto, layers);
  });
}

Worker ZygoteClient::decompress(schema::WorkerRequest::Codec codec) {
  return start(true, true, [&](Request request) { request.setDecompress(codec); });
}

Worker ZygoteClient::parse() {
  return start(true, false, [&](Request request) { request.setParse(); });
}

Worker ZygoteClient::lookup(const std::vector<LayerName>& layers) {
  return start(true, false, [&](Request request) {
    auto names = request.initLookup(static_cast<capnp::uint>(layers.size()));
    for (capnp::uint i = 0; i < names.size(); ++i) names.set(i, layers[i].text());
  });
}

Worker ZygoteClient::verify() {
  return start(true, false, [&](Request request) { request.setVerify(); });
}

Worker ZygoteClient::start(bool input, bool output, const std::function<void(Request)>& describe) {
  std::uint64_t number = next_++;
  Worker worker{WorkerLease(*this, number), {}};
  Message message{kj::heap<capnp::MallocMessageBuilder>(), {}};
  auto request = message.message->initRoot<schema::WorkerRequest>();
  request.setNumber(number);
  describe(request);

  // Nothing but pipes: root's workers change whatever file they hold. A role without input or output gets one
  // too, whose other end closes here.
  Pipe in = input ? makeWidePipe() : makePipe();
  Pipe out = output ? makeWidePipe() : makePipe();
  Pipe result = makePipe();
  Pipe log = makePipe();
  message.fds.push_back(std::move(in.read));
  message.fds.push_back(std::move(out.write));
  message.fds.push_back(std::move(result.write));
  message.fds.push_back(std::move(log.write));
  worker.pipes = {input ? std::move(in.write) : Fd(), output ? std::move(out.read) : Fd(),
                  std::move(result.read), std::move(log.read)};
  enqueue(std::move(message));
  return worker;
}

void ZygoteClient::kill(std::uint64_t number) {
  Message message{kj::heap<capnp::MallocMessageBuilder>(), {}};
  auto request = message.message->initRoot<schema::WorkerRequest>();
  request.setNumber(number);
  request.setKill();
  enqueue(std::move(message));
}

void ZygoteClient::enqueue(Message message) {
  queue_.push_back(std::move(message));
  if (std::exchange(sending_, true)) return;
  sender_ = sendQueued().eagerlyEvaluate([this](kj::Exception&& exception) {
    // untilGone() reports the loss; the queued descriptors close here, so that whoever waits for a worker is
    // told.
    log::error("the zygote takes no requests", {{"error", ipc::fullText(exception)}});
    queue_.clear();
    sending_ = false;
  });
}

kj::Promise<void> ZygoteClient::sendQueued() {
  if (queue_.empty()) {
    sending_ = false;
    return kj::READY_NOW;
  }
  std::vector<int> fds;
  for (const Fd& fd : queue_.front().fds) fds.push_back(fd.get());
  return socket_.send(*queue_.front().message, std::move(fds)).then([this]() {
    queue_.pop_front();
    return sendQueued();
  });
}

kj::Promise<void> ZygoteClient::untilGone() {
  return socket_.receive().then([this](ipc::Packet&&) {
    log::warning("the zygote spoke unasked");
    return untilGone();
  });
}

}  // namespace bulkhead::storaged
