#include "ipc/rpc.h"

#include <capnp/rpc-twoparty.h>
#include <capnp/rpc.h>
#include <sys/socket.h>

#include "daemons/common/base/log.h"
#include "daemons/common/base/sockets.h"
#include "ipc/limits.h"

namespace bulkhead::ipc {
namespace {

constexpr uint maxFdsPerMessage = 3;  // shim.capnp, attach

capnp::ReaderOptions rpcOptions() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limits::rpcTraversalWords;
  options.nestingLimit = limits::rpcNesting;
  return options;
}

kj::Own<kj::AsyncCapabilityStream> wrap(kj::LowLevelAsyncIoProvider& io, Fd socket) {
  return io.wrapUnixSocketFd(socket.release(), kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP |
                                                   kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
}

// The stream, the network and the RPC system of one connection, in an order that destroys them backwards.
class Connection {
 public:
  Connection(kj::Own<kj::AsyncCapabilityStream> stream, capnp::Capability::Client bootstrap)
      : stream_(kj::mv(stream)),
        network_(*stream_, maxFdsPerMessage, capnp::rpc::twoparty::Side::SERVER, rpcOptions()),
        system_(capnp::makeRpcServer(network_, kj::mv(bootstrap))) {
    system_.setFlowLimit(limits::rpcFlowBytes / sizeof(capnp::word));
  }
  explicit Connection(kj::Own<kj::AsyncCapabilityStream> stream)
      : stream_(kj::mv(stream)),
        network_(*stream_, maxFdsPerMessage, capnp::rpc::twoparty::Side::CLIENT, rpcOptions()),
        system_(capnp::makeRpcClient(network_)) {}

  kj::Promise<void> onDisconnect() { return network_.onDisconnect(); }

  capnp::Capability::Client bootstrap() {
    capnp::MallocMessageBuilder buffer(8);
    auto vat = buffer.initRoot<capnp::rpc::twoparty::VatId>();
    vat.setSide(capnp::rpc::twoparty::Side::SERVER);
    return system_.bootstrap(vat);
  }

 private:
  kj::Own<kj::AsyncCapabilityStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system_;
};

}  // namespace

struct RpcListener::Impl final : kj::TaskSet::ErrorHandler {
  Impl(kj::LowLevelAsyncIoProvider& provider, Fd listener, PermittedPeer peer,
       std::function<capnp::Capability::Client()> make)
      : io(provider),
        socket(std::move(listener)),
        observer(provider.wrapListenSocketFd(socket.get(), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC)),
        permitted(std::move(peer)),
        makeBootstrap(std::move(make)),
        connections(*this) {}

  void taskFailed(kj::Exception&& exception) override {
    log::debug("connection ended", {{"error", std::string(exception.getDescription().cStr())}});
  }

  // Nothing that one connection brings about ends the others: it is closed, and that is all.
  void admit(kj::Own<kj::AsyncIoStream> stream) {
    try {
      serve(kj::mv(stream));
    } catch (const std::exception& error) {
      log::warning("connection refused", {{"reason", error.what()}});
    }
  }

  void serve(kj::Own<kj::AsyncIoStream> stream) {
    if (open >= limits::connections) {
      log::warning("connection refused", {{"reason", "there are too many"}});
      return;
    }
    int fd = -1;
    KJ_IF_MAYBE (number, stream->getFd()) {
      fd = *number;
    }
    auto checked = checkPeer(fd, permitted);
    if (!checked) {
      log::warning("connection refused", {{"reason", describe(checked.error())}});
      return;
    }
    // The accepted stream is rewrapped as one that carries descriptors.
    auto connection = kj::heap<Connection>(wrap(io, duplicate(fd)), makeBootstrap());
    auto ended = connection->onDisconnect();
    ++open;
    connections.add(ended.attach(kj::mv(connection), kj::defer([this]() { --open; })));
  }

  kj::Promise<void> loop() {
    auto accepted = kj::evalNow([this]() { return observer->accept(); });
    return accepted.then(
        [this](kj::Own<kj::AsyncIoStream>&& stream) {
          admit(kj::mv(stream));
          return loop();
        },
        [this](kj::Exception&& exception) { return goOnAfter(kj::mv(exception)); });
  }

  // Out of descriptors or memory: those who are served give some back.
  kj::Promise<void> goOnAfter(kj::Exception exception) {
    constexpr auto pause = 100 * kj::MILLISECONDS;
    if (exception.getType() != kj::Exception::Type::OVERLOADED) return kj::mv(exception);
    log::warning("cannot accept now", {{"error", std::string(exception.getDescription().cStr())}});
    return io.getTimer().afterDelay(pause).then([this]() { return loop(); });
  }

  kj::LowLevelAsyncIoProvider& io;
  Fd socket;
  kj::Own<kj::ConnectionReceiver> observer;
  PermittedPeer permitted;
  std::function<capnp::Capability::Client()> makeBootstrap;
  size_t open = 0;
  kj::TaskSet connections;  // last: they count in `open`
};

RpcListener::RpcListener(kj::LowLevelAsyncIoProvider& io, Fd listener, PermittedPeer permitted,
                         std::function<capnp::Capability::Client()> makeBootstrap)
    : impl_(kj::heap<Impl>(io, std::move(listener), std::move(permitted), std::move(makeBootstrap))) {}
RpcListener::~RpcListener() = default;

kj::Promise<void> RpcListener::run() {
  return impl_->loop();
}

struct RpcPeer::Impl {
  kj::LowLevelAsyncIoProvider& io;
  std::string name;
  std::string path;
  kj::Maybe<kj::Own<Connection>> connection;
  bool alive = false;
  kj::ForkedPromise<void> lost = nullptr;  // resolves after `alive` has become false
  kj::Promise<void> watch = nullptr;       // keeps `lost` running while nobody waits for it
};

RpcPeer::RpcPeer(kj::LowLevelAsyncIoProvider& io, std::string name, std::string path)
    : impl_(kj::heap<Impl>(Impl{io, std::move(name), std::move(path)})) {}
RpcPeer::~RpcPeer() = default;

const std::string& RpcPeer::name() const {
  return impl_->name;
}

capnp::Capability::Client RpcPeer::bootstrap() {
  KJ_IF_MAYBE (connection, impl_->connection) {
    if (impl_->alive) return (*connection)->bootstrap();
  }
  Fd socket = connectTo(impl_->path, SOCK_STREAM | SOCK_NONBLOCK);
  if (!socket) {
    kj::throwFatalException(kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__,
                                          kj::str("nobody listens for ", impl_->name.c_str())));
  }
  auto fresh = kj::heap<Connection>(wrap(impl_->io, std::move(socket)));
  auto& raw = *fresh;
  impl_->lost = nullptr;
  impl_->connection = kj::mv(fresh);
  impl_->alive = true;
  auto* impl = impl_.get();
  impl_->lost =
      raw.onDisconnect().catch_([](kj::Exception&&) {}).then([impl]() { impl->alive = false; }).fork();
  impl_->watch = impl_->lost.addBranch().eagerlyEvaluate(nullptr);
  return raw.bootstrap();
}

kj::Promise<void> RpcPeer::onDisconnect() {
  if (impl_->alive) return impl_->lost.addBranch();
  return kj::READY_NOW;
}

}  // namespace bulkhead::ipc
