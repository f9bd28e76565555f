// In-process stand-ins for imaged, storaged, netd, the launcher and its shims, on the sockets of a temporary
// layout: flows are tested through the real doors. Each keeps what it was asked in `calls` and refuses what
// it is told to.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemons/common/base/layout.h"
#include "daemons/cri-frontend/frontend.h"
#include "ipc/packet-client.h"
#include "ipc/rpc.h"
#include "ipc/schema/image.capnp.h"
#include "ipc/schema/network.capnp.h"
#include "ipc/schema/shim.capnp.h"
#include "ipc/schema/storage.capnp.h"

namespace bulkhead::cri::test {

// What all fakes share: a log of calls ("netd.attach ID") and the calls to refuse, once each.
struct Script {
  std::vector<std::string> calls;
  std::map<std::string, Refusal> refusals;             // by "netd.attach"
  std::set<std::string> silent;                        // calls that are never answered
  std::map<std::string, std::function<void()>> hooks;  // run when the call comes

  // Notes the call; its refusal, if one is scripted.
  std::optional<Refusal> on(const std::string& call, const std::string& argument);
  [[nodiscard]] bool saw(const std::string& call) const;
  [[nodiscard]] size_t count(const std::string& call) const;
};

struct FakeStore {
  std::map<std::string, std::string> images;  // name -> id
  std::set<std::string> layers;               // container ids
  std::set<std::string> volumes;              // images that the last container mounts
  std::string user;                           // of every image
  std::string document = "{}";                // likewise
  std::string policyAsked;                    // of the last pull: "NAMESPACE REFERENCE"
  std::string begunFor;                       // likewise its namespace
  size_t signatures = 0;                      // and what came with it
  std::string asked;                          // of the last container: "NAMESPACE NAME"
  uint32_t missingLayers = 0;                 // of the next pull
  std::set<uint32_t> arrivedLayers;           // of those: brought by another image meanwhile
  std::string received;                       // bytes that came through layer pipes
};

struct FakeNetwork {
  std::set<std::string> attached;  // pod ids
};

struct FakeContainer {
  std::string podId;
  schema::ContainerInfo::State state = schema::ContainerInfo::State::CREATED;
  int code = 0;
  int64_t startedAt = 0;
  bool diesOnTerm = true;
  uint32_t shimProtocol = 2;
  size_t logs = 0;                                           // that its shim was handed
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting;  // at its shim
  kj::Own<ipc::RpcListener> shim;
  kj::Promise<void> serving = nullptr;
};

// The launcher, with a shim for each container it makes.
class FakeLauncher {
 public:
  FakeLauncher(kj::AsyncIoContext& io, Script& script, const Layout& layout);

  std::set<std::string> pods;
  std::map<std::string, std::unique_ptr<FakeContainer>> containers;
  bool stubborn = false;      // new containers ignore everything but SIGKILL
  bool withoutShims = false;  // new containers have none
  std::string execOutput = "hello\n";

  void end(const std::string& container, int code);

 private:
  kj::Promise<void> acceptAll();
  kj::Promise<void> answer(Fd connection);
  void handle(ipc::Packet& packet, schema::LaunchReply::Builder reply);
  void createContainer(schema::ContainerSpec::Reader spec);
  void signal(schema::Signal::Reader signal, schema::LaunchReply::Builder reply);
  void describe(schema::ContainerInfo::Builder to, const std::string& id);

  kj::AsyncIoContext& io_;
  Script& script_;
  Layout layout_;
  Fd listener_;
  kj::UnixEventPort::FdObserver observer_;
  struct Errors final : kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {}
  } errors_;
  kj::TaskSet tasks_;
};

// A temporary root with every fake on it, and a Frontend that talks to them. One per test.
class World {
 public:
  World();
  ~World() noexcept;

  // The frontend ends as with SIGKILL and comes back, reading its records and reconciling.
  void restart();
  template <typename T>
  T wait(kj::Promise<T> promise) {
    return promise.wait(io.waitScope);
  }
  kj::Duration patience = 10 * kj::SECONDS;  // of the next restart
  // Waits for queued undo work.
  void settle();

  kj::AsyncIoContext io = kj::setupAsyncIo();
  std::string root;
  Layout layout;
  Script script;
  FakeStore store;
  FakeNetwork network;
  std::unique_ptr<FakeLauncher> launcher;
  std::unique_ptr<Frontend> frontend;

 private:
  void listen(const std::string& path, std::function<capnp::Capability::Client()> make);

  std::vector<kj::Own<ipc::RpcListener>> listeners_;
  std::vector<kj::Promise<void>> serving_;
};

// Requests that are good as they are.
::runtime::v1::RunPodSandboxRequest podRequest(const std::string& name = "web");
::runtime::v1::CreateContainerRequest containerRequest(const std::string& podId,
                                                       const std::string& name = "main");

// A listening socket at `path`, non-blocking.
Fd listenAt(const std::string& path, int type);

}  // namespace bulkhead::cri::test
