#include "daemons/storaged/layers-door.h"

#include "ipc/convert.h"
#include "ipc/schema/mount.capnp.h"

namespace bulkhead::storaged {

namespace {

Outcome<std::vector<LayerName>> layersFor(const WritableLayers& layers,
                                          schema::LayersQuestion::Reader asked) {
  auto container = ContainerId::parse(ipc::toString(asked.getContainerId()), "containerId");
  if (!container) return tl::unexpected(container.error());
  if (asked.getImageId().size() == 0) return layers.layersBeneath(*container, std::nullopt);
  auto image = ImageId::parse(ipc::toString(asked.getImageId()), "imageId");
  if (!image) return tl::unexpected(image.error());
  return layers.layersBeneath(*container, *image);
}

}  // namespace

kj::Promise<void> LayersDoor::serve() {
  return socket_.receive()
      .then([this](ipc::Packet&& question) { return answer(std::move(question)); })
      .then([this]() { return serve(); });
}

kj::Promise<void> LayersDoor::answer(ipc::Packet question) {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  auto to = message->initRoot<schema::LayersAnswer>();
  auto asked = question.as<schema::LayersQuestion>();
  to.setNumber(asked.getNumber());
  auto layers = layersFor(layers_, asked);
  bool isRoot = asked.getImageId().size() == 0;
  if (layers && isRoot && composes(driver_)) {
    to.setComposed();
  } else if (layers) {
    auto id = ContainerId::parse(ipc::toString(asked.getContainerId()), "containerId");
    if (isRoot && id) to.setProject(layers_.projectOf(*id));
    auto names = to.initLayers(static_cast<capnp::uint>(layers->size()));
    for (capnp::uint i = 0; i < names.size(); ++i) names.set(i, (*layers)[i].text());
  } else {
    ipc::writeRefusal(to.initRefused(), layers.error());
  }
  return socket_.send(*message).attach(kj::mv(message));
}

}  // namespace bulkhead::storaged
