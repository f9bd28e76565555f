#include "daemons/cri-frontend/peers/storaged-client.h"

#include "ipc/convert.h"
#include "ipc/file-capability.h"

namespace bulkhead::cri {
namespace {

constexpr const char* name = "storaged";

template <typename List>
std::vector<std::string> toStrings(List list) {
  std::vector<std::string> strings;
  for (auto text : list) strings.push_back(ipc::toString(text));
  return strings;
}

std::vector<std::pair<std::string, std::string>> toPairs(capnp::List<schema::KeyValue>::Reader list) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (auto pair : list) pairs.emplace_back(ipc::toString(pair.getKey()), ipc::toString(pair.getValue()));
  return pairs;
}

Outcome<StoredImage> readImage(schema::StoredImage::Reader from) {
  auto id = ImageId::parse(ipc::toString(from.getId()), "image.id");
  if (!id) return refuse(Code::internal, "", "storaged answered an image without an id");
  auto config = from.getConfig();
  return StoredImage{.id = *id,
                     .repoTags = toStrings(from.getRepoTags()),
                     .repoDigests = toStrings(from.getRepoDigests()),
                     .size = from.getSize(),
                     .annotations = toPairs(from.getAnnotations()),
                     .user = ipc::toString(config.getUser()),
                     .env = toStrings(config.getEnv()),
                     .entrypoint = toStrings(config.getEntrypoint()),
                     .command = toStrings(config.getCommand()),
                     .workingDirectory = ipc::toString(config.getWorkingDirectory()),
                     .stopSignal = ipc::toString(config.getStopSignal()),
                     .volumes = toStrings(config.getVolumes()),
                     .document = ipc::toString(from.getDocument())};
}

ImageUser readUser(schema::User::Reader from) {
  ImageUser user{from.getUid(), from.getGid(), {}};
  for (uint32_t group : from.getGroups()) user.groups.push_back(group);
  return user;
}

SignatureKinds readKinds(schema::SignatureKinds::Reader from) {
  return {from.getSimple(), from.getSigstore()};
}

void writeDocuments(schema::Documents::Builder to, const Documents& from) {
  to.setIndex(ipc::toData(from.index));
  to.setManifest(ipc::toData(from.manifest));
  to.setConfig(ipc::toData(from.config));
  auto signatures = to.initSignatures(static_cast<capnp::uint>(from.signatures.size()));
  ipc::unpackSignatures(from.signatures, signatures);
}

Outcome<Begun> readBegun(schema::Begun::Reader from) {
  Begun begun{{}, from.getIntake()};
  for (auto layer : from.getMissing()) {
    auto digest = Digest::parse(ipc::toString(layer.getDigest()), "layer");
    if (!digest) return refuse(Code::internal, "", "storaged asked for a layer without a digest");
    begun.missing.push_back({layer.getIndex(), *digest, layer.getSize()});
  }
  return begun;
}

}  // namespace

StoragedClient::StoragedClient(kj::LowLevelAsyncIoProvider& io, kj::Timer& timer, std::string socket)
    : timer_(timer), peer_(io, name, std::move(socket)) {}

Answer<SignatureKinds> StoragedClient::signaturesWanted(const std::optional<ImageReference>& reference,
                                                        const std::string& podNamespace) {
  return callPeer<SignatureKinds>(
      timer_, name, Repeat::onceIfDisconnected, [this, reference, podNamespace]() {
        auto request = peer_.get<schema::Storaged>().signaturesWantedRequest();
        if (reference) request.setReference(reference->text());
        request.setNamespace(podNamespace);
        return request.send().then(
            [](auto&& response) { return readResult(response.getResult(), readKinds); });
      });
}

Answer<Begun> StoragedClient::beginImage(const ImageReference& reference, Documents documents,
                                         const std::string& podNamespace) {
  auto attempt = [this, reference, documents = std::move(documents), podNamespace]() {
    auto request = peer_.get<schema::Storaged>().beginImageRequest();
    request.setReference(reference.text());
    writeDocuments(request.initDocuments(), documents);
    request.setNamespace(podNamespace);
    return request.send().then([](auto&& response) -> Outcome<Begun> {
      auto result = response.getResult();
      if (result.isRefused()) return tl::unexpected<Refusal>(ipc::readRefusal(result.getRefused()));
      return readBegun(result.getOk());
    });
  };
  return callPeer<Begun>(timer_, name, Repeat::onceIfDisconnected, kj::mv(attempt));
}

Answer<std::optional<Fd>> StoragedClient::layerPipe(schema::Intake::Client intake, uint32_t index) {
  using Sink = std::optional<Fd>;
  return callPeer<Sink>(timer_, name, Repeat::no, [intake, index]() mutable -> Answer<Sink> {
    auto request = intake.layerPipeRequest();
    request.setIndex(index);
    return request.send().then([](auto&& response) -> Answer<Sink> {
      auto result = response.getResult();
      if (result.isRefused()) return refused<Sink>(ipc::readRefusal(result.getRefused()));
      if (result.getOk().isArrived()) return Outcome<Sink>(Sink());
      return ipc::receiveFile(result.getOk().getSink()).then([](Fd&& fd) -> Outcome<Sink> {
        if (!fd) return refuse(Code::internal, "", "storaged sent no pipe");
        return Sink(std::move(fd));
      });
    });
  });
}

Answer<StoredImage> StoragedClient::commit(schema::Intake::Client intake) {
  return callPeer<StoredImage>(timer_, name, Repeat::no, [intake]() mutable -> Answer<StoredImage> {
    return intake.commitRequest().send().then([](auto&& response) -> Outcome<StoredImage> {
      auto result = response.getResult();
      if (result.isRefused()) return tl::unexpected<Refusal>(ipc::readRefusal(result.getRefused()));
      return readImage(result.getOk());
    });
  });
}

Answer<std::optional<StoredImage>> StoragedClient::imageStatus(const std::string& image, Detail detail) {
  using Found = std::optional<StoredImage>;
  return callPeer<Found>(timer_, name, Repeat::onceIfDisconnected, [this, image, detail]() {
    auto request = peer_.get<schema::Storaged>().imageStatusRequest();
    request.setName(image);
    request.setVerbose(detail == Detail::verbose);
    return request.send().then([](auto&& response) -> Outcome<Found> {
      auto status = response.getImage();
      if (!status.isPresent()) return Found();
      return readImage(status.getPresent()).map([](StoredImage&& stored) {
        return Found(std::move(stored));
      });
    });
  });
}

Answer<std::vector<StoredImage>> StoragedClient::listImages() {
  using Images = std::vector<StoredImage>;
  return callPeer<Images>(timer_, name, Repeat::onceIfDisconnected, [this]() {
    return peer_.get<schema::Storaged>().listImagesRequest().send().then(
        [](auto&& response) -> Outcome<Images> {
          Images images;
          for (auto from : response.getImages()) {
            auto image = readImage(from);
            if (!image) return tl::unexpected(image.error());
            images.push_back(std::move(*image));
          }
          return images;
        });
  });
}

Answer<void> StoragedClient::removeImage(const std::string& image) {
  return callPeer<void>(timer_, name, Repeat::onceIfDisconnected, [this, image]() {
    auto request = peer_.get<schema::Storaged>().removeImageRequest();
    request.setName(image);
    return request.send().then([](auto&& response) { return readNothing(response.getResult()); });
  });
}

Answer<StorageUsage> StoragedClient::usage() {
  return callPeer<StorageUsage>(timer_, name, Repeat::onceIfDisconnected, [this]() {
    return peer_.get<schema::Storaged>().usageRequest().send().then(
        [](auto&& response) -> Outcome<StorageUsage> {
          auto from = response.getUsage();
          return StorageUsage{from.getTimestamp(),      ipc::toString(from.getMountpoint()),
                              from.getImageBytes(),     from.getImageInodes(),
                              from.getContainerBytes(), from.getContainerInodes()};
        });
  });
}

Answer<LayersUsage> StoragedClient::layerUsage() {
  return callPeer<LayersUsage>(timer_, name, Repeat::onceIfDisconnected, [this]() {
    return peer_.get<schema::Storaged>().layerUsageRequest().send().then(
        [](auto&& response) -> Outcome<LayersUsage> {
          auto from = response.getUsage();
          LayersUsage usage{ipc::toString(from.getMountpoint()),
                            {},
                            from.getTotalBytes(),
                            from.getTotalInodes(),
                            from.getFreeInodes()};
          for (auto layer : response.getUsage().getLayers()) {
            auto id = ContainerId::parse(ipc::toString(layer.getContainerId()), "containerId");
            if (id) usage.layers[*id] = {layer.getTimestamp(), layer.getBytes(), layer.getInodes()};
          }
          return usage;
        });
  });
}

Answer<std::vector<PullProgress>> StoragedClient::listPulls() {
  using Pulls = std::vector<PullProgress>;
  return callPeer<Pulls>(timer_, name, Repeat::onceIfDisconnected, [this]() {
    return peer_.get<schema::Storaged>().listPullsRequest().send().then(
        [](auto&& response) -> Outcome<Pulls> {
          Pulls pulls;
          for (auto from : response.getPulls()) {
            pulls.push_back({ipc::toString(from.getReference()), from.getLayersDone(), from.getLayersTotal(),
                             from.getBytesDone(), from.getBytesTotal(), from.getStartedAt()});
          }
          return pulls;
        });
  });
}

Answer<ImageUser> StoragedClient::lookupUser(const ImageId& image, const std::string& user,
                                             bool memberships) {
  return callPeer<ImageUser>(timer_, name, Repeat::onceIfDisconnected, [this, image, user, memberships]() {
    auto request = peer_.get<schema::Storaged>().lookupUserRequest();
    request.setImageId(image.text());
    request.setUser(user);
    request.setMemberships(memberships);
    return request.send().then([](auto&& response) { return readResult(response.getResult(), readUser); });
  });
}

Answer<void> StoragedClient::createLayer(const ContainerId& container, const ImageId& image,
                                         const std::string& asked, const std::string& podNamespace,
                                         const std::vector<VolumeImage>& volumes) {
  auto attempt = [this, container, image, asked, podNamespace, volumes]() {
    auto request = peer_.get<schema::Storaged>().createLayerRequest();
    request.setContainerId(container.text());
    request.setImageId(image.text());
    request.setAsked(asked);
    request.setNamespace(podNamespace);
    auto list = request.initVolumes(static_cast<capnp::uint>(volumes.size()));
    for (capnp::uint i = 0; i < list.size(); ++i) {
      list[i].setImageId(volumes[i].id.text());
      list[i].setAsked(volumes[i].asked);
    }
    return request.send().then([](auto&& response) { return readNothing(response.getResult()); });
  };
  return callPeer<void>(timer_, name, Repeat::onceIfDisconnected, kj::mv(attempt));
}

Answer<void> StoragedClient::removeLayer(const ContainerId& container) {
  return callPeer<void>(timer_, name, Repeat::onceIfDisconnected, [this, container]() {
    auto request = peer_.get<schema::Storaged>().removeLayerRequest();
    request.setContainerId(container.text());
    return request.send().then([](auto&& response) { return readNothing(response.getResult()); });
  });
}

Answer<std::vector<ContainerId>> StoragedClient::listLayers() {
  using Ids = std::vector<ContainerId>;
  return callPeer<Ids>(timer_, name, Repeat::onceIfDisconnected, [this]() {
    return peer_.get<schema::Storaged>().listLayersRequest().send().then([](auto&& response) -> Outcome<Ids> {
      Ids ids;
      for (auto layer : response.getLayers()) {
        if (auto id = ContainerId::parse(ipc::toString(layer.getContainerId()), "containerId"))
          ids.push_back(*id);
      }
      return ids;
    });
  });
}

}  // namespace bulkhead::cri
