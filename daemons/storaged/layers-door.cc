#include "daemons/storaged/layers-door.h"

#include "ipc/convert.h"
#include "ipc/schema/mount.capnp.h"

namespace bulkhead::storaged {

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
  auto id = ContainerId::parse(ipc::toString(asked.getContainerId()), "containerId");
  auto layers = id ? layers_.layersBeneath(*id) : Outcome<std::vector<LayerName>>(tl::unexpected(id.error()));
  if (layers) {
    auto names = to.initLayers(static_cast<capnp::uint>(layers->size()));
    for (capnp::uint i = 0; i < names.size(); ++i) names.set(i, (*layers)[i].text());
  } else {
    ipc::writeRefusal(to.initRefused(), layers.error());
  }
  return socket_.send(*message).attach(kj::mv(message));
}

}  // namespace bulkhead::storaged
