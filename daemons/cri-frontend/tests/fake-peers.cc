#include "daemons/cri-frontend/tests/fake-peers.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <stdexcept>

#include "daemons/common/base/image-ref.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/sockets.h"
#include "daemons/cri-frontend/flows/reconcile.h"
#include "ipc/convert.h"
#include "ipc/file-capability.h"

namespace bulkhead::cri::test {
namespace {

const std::string someHex(64, 'a');
const std::string someDigest = "sha256:" + std::string(64, 'b');

template <typename Results>
bool refusedBy(Script& script, const std::string& call, const std::string& argument, Results results) {
  auto refusal = script.on(call, argument);
  if (refusal) ipc::writeRefusal(results.initResult().initRefused(), *refusal);
  return refusal.has_value();
}

class FakeNetd final : public schema::Netd::Server {
 public:
  FakeNetd(Script& script, FakeNetwork& network) : script_(script), network_(network) {}

  kj::Promise<void> attach(AttachContext context) override {
    auto id = ipc::toString(context.getParams().getPod().getPodId());
    if (script_.silent.contains("netd.attach")) return kj::NEVER_DONE;
    if (refusedBy(script_, "netd.attach", id, context.getResults())) return kj::READY_NOW;
    network_.attached.insert(id);
    auto ok = context.getResults().initResult().initOk();
    ok.initAddresses(1).set(0, "10.1.2.3");
    ok.setNetnsPath("/run/netns/" + id);
    return kj::READY_NOW;
  }
  kj::Promise<void> detach(DetachContext context) override {
    auto id = ipc::toString(context.getParams().getPodId());
    if (refusedBy(script_, "netd.detach", id, context.getResults())) return kj::READY_NOW;
    network_.attached.erase(id);
    context.getResults().initResult().initOk();
    return kj::READY_NOW;
  }
  kj::Promise<void> list(ListContext context) override {
    if (script_.silent.contains("netd.list")) return kj::NEVER_DONE;
    auto pods = context.getResults().initPods(static_cast<unsigned>(network_.attached.size()));
    unsigned i = 0;
    for (const auto& id : network_.attached) pods[i++].setPodId(id);
    return kj::READY_NOW;
  }
  kj::Promise<void> status(StatusContext context) override {
    if (script_.silent.contains("netd.status")) return kj::NEVER_DONE;
    context.getResults().setReady(true);
    return kj::READY_NOW;
  }

 private:
  Script& script_;
  FakeNetwork& network_;
};

class FakeIntake final : public schema::Intake::Server {
 public:
  FakeIntake(Script& script, FakeStore& store, std::string name)
      : script_(script), store_(store), name_(std::move(name)) {}

  kj::Promise<void> layerPipe(LayerPipeContext context) override {
    if (refusedBy(script_, "storaged.layerPipe", "", context.getResults())) return kj::READY_NOW;
    auto ok = context.getResults().initResult().initOk();
    if (store_.arrivedLayers.contains(context.getParams().getIndex())) {
      ok.setArrived();
      return kj::READY_NOW;
    }
    auto pipe = makePipe();
    readers_.push_back(std::move(pipe.read));
    ok.setSink(ipc::makeFile(std::move(pipe.write)));
    return kj::READY_NOW;
  }
  kj::Promise<void> commit(CommitContext context) override {
    for (auto& reader : readers_) store_.received += readBounded(reader.get(), 1 << 20).value_or("");
    if (refusedBy(script_, "storaged.commit", name_, context.getResults())) return kj::READY_NOW;
    store_.images[name_] = someHex;
    context.getResults().initResult().initOk().setId(someHex);
    return kj::READY_NOW;
  }

 private:
  Script& script_;
  FakeStore& store_;
  std::string name_;
  std::vector<Fd> readers_;
};

class FakeStoraged final : public schema::Storaged::Server {
 public:
  FakeStoraged(Script& script, FakeStore& store) : script_(script), store_(store) {}

  // Wants cosign's, always.
  kj::Promise<void> signaturesWanted(SignaturesWantedContext context) override {
    auto params = context.getParams();
    store_.policyAsked = ipc::toString(params.getNamespace()) + " " + ipc::toString(params.getReference());
    if (refusedBy(script_, "storaged.signaturesWanted", store_.policyAsked, context.getResults()))
      return kj::READY_NOW;
    context.getResults().initResult().initOk().setSigstore(true);
    return kj::READY_NOW;
  }
  kj::Promise<void> beginImage(BeginImageContext context) override {
    auto params = context.getParams();
    store_.begunFor = ipc::toString(params.getNamespace());
    store_.signatures = params.getDocuments().getSignatures().size();
    auto name = ipc::toString(context.getParams().getReference());
    if (refusedBy(script_, "storaged.beginImage", name, context.getResults())) return kj::READY_NOW;
    auto ok = context.getResults().initResult().initOk();
    ok.setImageId(someHex);
    auto missing = ok.initMissing(store_.missingLayers);
    for (unsigned i = 0; i < store_.missingLayers; ++i) {
      missing[i].setIndex(i);
      missing[i].setDigest(someDigest);
      missing[i].setSize(5);
    }
    ok.setIntake(kj::heap<FakeIntake>(script_, store_, name));
    return kj::READY_NOW;
  }
  kj::Promise<void> imageStatus(ImageStatusContext context) override {
    auto name = ipc::toString(context.getParams().getName());
    auto found = store_.images.find(name);
    auto image = context.getResults().initImage();
    if (found == store_.images.end()) {
      image.setAbsent();
      return kj::READY_NOW;
    }
    auto present = image.initPresent();
    present.setId(found->second);
    present.initRepoTags(1).set(0, name);
    auto note = present.initAnnotations(1)[0];
    note.setKey("io.kubernetes.pod.name");
    note.setValue(ipc::toData("claimed"));
    if (context.getParams().getVerbose()) present.setDocument(ipc::toData(store_.document));
    auto config = present.initConfig();
    config.setUser(store_.user);
    config.initEntrypoint(1).set(0, "/bin/server");
    return kj::READY_NOW;
  }
  kj::Promise<void> removeImage(RemoveImageContext context) override {
    auto name = ipc::toString(context.getParams().getName());
    if (refusedBy(script_, "storaged.removeImage", name, context.getResults())) return kj::READY_NOW;
    store_.images.erase(name);
    context.getResults().initResult().initOk();
    return kj::READY_NOW;
  }
  kj::Promise<void> listPulls(ListPullsContext) override { return kj::READY_NOW; }
  kj::Promise<void> createLayer(CreateLayerContext context) override {
    auto id = ipc::toString(context.getParams().getContainerId());
    if (refusedBy(script_, "storaged.createLayer", id, context.getResults())) return kj::READY_NOW;
    store_.layers.insert(id);
    store_.asked = ipc::toString(context.getParams().getNamespace()) + " " +
                   ipc::toString(context.getParams().getAsked());
    store_.volumes.clear();
    for (auto volume : context.getParams().getVolumes())
      store_.volumes.insert(ipc::toString(volume.getImageId()));
    context.getResults().initResult().initOk();
    return kj::READY_NOW;
  }
  kj::Promise<void> lookupUser(LookupUserContext context) override {
    auto user = ipc::toString(context.getParams().getUser());
    if (refusedBy(script_, "storaged.lookupUser", user, context.getResults())) return kj::READY_NOW;
    auto found = context.getResults().initResult().initOk();
    found.setUid(user == "app" ? 1000 : 0);
    found.setGid(user == "app" ? 1001 : 0);
    if (context.getParams().getMemberships()) found.initGroups(1).set(0, 60);
    return kj::READY_NOW;
  }
  kj::Promise<void> removeLayer(RemoveLayerContext context) override {
    auto id = ipc::toString(context.getParams().getContainerId());
    if (refusedBy(script_, "storaged.removeLayer", id, context.getResults())) return kj::READY_NOW;
    store_.layers.erase(id);
    context.getResults().initResult().initOk();
    return kj::READY_NOW;
  }
  kj::Promise<void> listLayers(ListLayersContext context) override {
    if (script_.silent.contains("storaged.listLayers")) return kj::NEVER_DONE;
    auto layers = context.getResults().initLayers(static_cast<unsigned>(store_.layers.size()));
    unsigned i = 0;
    for (const auto& id : store_.layers) layers[i++].setContainerId(id);
    return kj::READY_NOW;
  }

 private:
  Script& script_;
  FakeStore& store_;
};

class FakeImaged final : public schema::Imaged::Server {
 public:
  explicit FakeImaged(Script& script) : script_(script) {}

  kj::Promise<void> resolve(ResolveContext context) override {
    auto name = ipc::toString(context.getParams().getReference());
    context.allowCancellation();
    if (refusedBy(script_, "imaged.resolve", name, context.getResults())) return kj::READY_NOW;
    if (script_.silent.contains("imaged.resolve")) {
      auto gone = kj::defer([this]() { script_.calls.push_back("imaged.resolve dropped"); });
      return kj::Promise<void>(kj::NEVER_DONE).attach(kj::mv(gone));
    }
    auto ok = context.getResults().initResult().initOk();
    ok.setReference(ImageReference::parse(name, "image")->text());
    auto documents = ok.initDocuments();
    documents.setManifest(ipc::toData("{}"));
    if (context.getParams().getSignatures().getSigstore())
      documents.initSignatures(1)[0].initSigstore().setSignature("c2lnbmVk");
    return kj::READY_NOW;
  }
  // Short names may be Docker Hub's or those of second.test.
  kj::Promise<void> names(NamesContext context) override {
    auto name = ipc::toString(context.getParams().getReference());
    if (refusedBy(script_, "imaged.names", name, context.getResults())) return kj::READY_NOW;
    auto names = context.getResults().initResult().initOk().initNames(2);
    names.set(0, ImageReference::parse(name, "image")->text());
    names.set(1, ImageReference::parse("second.test/" + name, "image")->text());
    return kj::READY_NOW;
  }
  kj::Promise<void> fetch(FetchContext context) override {
    if (refusedBy(script_, "imaged.fetch", "", context.getResults())) return kj::READY_NOW;
    return ipc::receiveFile(context.getParams().getSink()).then([context](Fd&& sink) mutable {
      if (!writeAll(sink.get(), "layer")) throwErrno("write layer");
      context.getResults().initResult().initOk().setBytes(5);
    });
  }

 private:
  Script& script_;
};

std::string makeRoot() {
  char path[] = "/tmp/bhXXXXXX";
  if (::mkdtemp(path) == nullptr) throwErrno("mkdtemp");
  return path;
}

}  // namespace

std::optional<Refusal> Script::on(const std::string& call, const std::string& argument) {
  calls.push_back(argument.empty() ? call : call + " " + argument);
  if (auto hook = hooks.find(call); hook != hooks.end()) hook->second();
  auto found = refusals.find(call);
  if (found == refusals.end()) return std::nullopt;
  Refusal refusal = found->second;
  refusals.erase(found);
  return refusal;
}

size_t Script::count(const std::string& call) const {
  size_t seen = 0;
  for (const auto& one : calls) seen += one == call || one.starts_with(call + " ") ? 1 : 0;
  return seen;
}

bool Script::saw(const std::string& call) const {
  return count(call) > 0;
}

World::World() : root(makeRoot()), layout(*Layout::at(root)) {
  for (const auto& directory : directoriesOf(layout)) std::filesystem::create_directories(directory.path);
  store.images["docker.io/library/busybox:latest"] = someHex;
  listen(layout.netdSocket(), [this]() { return kj::heap<FakeNetd>(script, network); });
  listen(layout.storagedSocket(), [this]() { return kj::heap<FakeStoraged>(script, store); });
  listen(layout.imagedSocket(), [this]() { return kj::heap<FakeImaged>(script); });
  launcher = std::make_unique<FakeLauncher>(io, script, layout);
  restart();
}

World::~World() noexcept {
  frontend.reset();
  std::filesystem::remove_all(root);
}

void World::restart() {
  frontend.reset();
  Settings settings{.handlers = {"runc", "crun"},
                    .defaultHandler = "runc",
                    .cgroupParent = "/bulkhead",
                    .ceilingProfile = "baseline",
                    .pinnedImages = PinnedImages({"docker.io/library/pinned*"})};
  Loop loop{*io.lowLevelProvider, io.unixEventPort, io.provider->getTimer()};
  frontend = std::make_unique<Frontend>(loop, layout, settings);
  wait(Reconcile::run(*frontend, patience));
}

void World::settle() {
  wait(frontend->background.onEmpty());
}

void World::listen(const std::string& path, std::function<capnp::Capability::Client()> make) {
  ipc::PermittedPeer self{::getuid(), ""};
  listeners_.push_back(
      kj::heap<ipc::RpcListener>(*io.lowLevelProvider, listenAt(path, SOCK_STREAM), self, std::move(make)));
  serving_.push_back(listeners_.back()->run().eagerlyEvaluate(nullptr));
}

::runtime::v1::RunPodSandboxRequest podRequest(const std::string& name) {
  ::runtime::v1::RunPodSandboxRequest request;
  auto& metadata = *request.mutable_config()->mutable_metadata();
  metadata.set_name(name);
  metadata.set_namespace_("default");
  metadata.set_uid("7b1e");
  request.mutable_config()->set_log_directory("/var/log/pods/" + name);
  (*request.mutable_config()->mutable_labels())["app"] = name;
  return request;
}

::runtime::v1::CreateContainerRequest containerRequest(const std::string& podId, const std::string& name) {
  ::runtime::v1::CreateContainerRequest request;
  request.set_pod_sandbox_id(podId);
  request.mutable_config()->mutable_metadata()->set_name(name);
  request.mutable_config()->mutable_image()->set_image("busybox");
  request.mutable_config()->set_log_path(name + "/0.log");
  return request;
}

Fd listenAt(const std::string& path, int type) {
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::logic_error("socket path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) != 0)
    throwErrno("bind");
  if (::listen(socket.get(), 64) != 0) throwErrno("listen");
  return socket;
}

}  // namespace bulkhead::cri::test
