#include "daemons/storaged/mounter/mounter.h"

#include <capnp/message.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>

#include "daemons/common/base/log.h"
#include "daemons/common/base/sockets.h"
#include "daemons/storaged/drivers/id-map.h"
#include "daemons/storaged/mounter/layers.h"
#include "daemons/storaged/mounter/view.h"
#include "daemons/storaged/mounter/volumes.h"
#include "daemons/storaged/overlay/image-root.h"
#include "daemons/storaged/overlay/overlay.h"
#include "ipc/convert.h"
#include "ipc/limits.h"
#include "ipc/packet.h"

namespace bulkhead::mounter {
namespace {

constexpr size_t shownBytes = 200;

Outcome<Request> parseRequest(ipc::Packet packet) {
  auto request = packet.as<schema::MountRequest>();
  auto container = ContainerId::parse(ipc::toString(request.getContainerId()), "containerId");
  if (!container) return tl::unexpected(container.error());
  if (request.isRoot()) {
    Request::Root root{request.getReadOnly(), {}};
    if (request.getUserNamespace()) {
      root.userNamespace = packet.takeFd(0);
      if (!drivers::isUserNamespace(root.userNamespace.get()))
        return invalid("userNamespace", "comes without the descriptor of one");
    }
    return Request{std::move(*container), std::move(root)};
  }
  if (request.isVolume()) return Request{std::move(*container), Request::Volume{request.getVolume()}};
  if (!request.isImage()) return invalid("", "is of an unknown kind");
  auto image = ImageId::parse(ipc::toString(request.getImage().getImageId()), "imageId");
  if (!image) return tl::unexpected(image.error());
  return Request{std::move(*container),
                 Request::Image{std::move(*image), ipc::toString(request.getImage().getSubPath())}};
}

// Main has read what strangers wrote: its words go on only in printable form.
Refusal passOn(Refusal refusal) {
  refusal.field = log::printable(refusal.field, shownBytes);
  refusal.reason = log::printable(refusal.reason, shownBytes);
  return refusal;
}

Outcome<RootParts> parseAnswer(schema::LayersAnswer::Reader answer) {
  if (answer.isRefused()) return tl::unexpected(passOn(ipc::readRefusal(answer.getRefused())));
  if (answer.isComposed()) return RootParts{.composed = true, .layers = {}, .project = 0};
  if (!answer.isLayers()) return refuse(Code::internal, "layers", "are answered in an unknown form");
  auto list = answer.getLayers();
  if (list.size() == 0 || list.size() > limits::imageLayers) {
    return refuse(Code::internal, "layers", "are none or more than 127");
  }
  RootParts parts{.composed = false, .layers = {}, .project = answer.getProject()};
  for (auto text : list) {
    auto name = LayerName::parse(ipc::toString(text));
    if (!name) return refuse(Code::internal, "layers", "have a name that is none");
    parts.layers.push_back(std::move(*name));
  }
  return parts;
}

// No nosuid, nodev or noexec, whatever the store's own mount has: an overlay's has none either.
void setAttributes(const Fd& mount, bool readOnly) {
  struct mount_attr change {};
  change.attr_clr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  change.attr_set = readOnly ? MOUNT_ATTR_RDONLY : 0;
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0)
    throwErrno("mount_setattr");
}

tl::unexpected<Refusal> cannotMap(int error) {
  return refuse(Code::failedPrecondition, "userNamespace",
                "cannot be mapped on the store's file system by this kernel: " + errnoText(error));
}

void answer(int connection, const Outcome<Fd>& mount) {
  capnp::MallocMessageBuilder message;
  auto reply = message.initRoot<schema::MountReply>();
  std::vector<int> fds;
  if (mount) {
    reply.setMounted();
    fds.push_back(mount->get());
  } else {
    ipc::writeRefusal(reply.initRefused(), mount.error());
  }
  if (!ipc::sendPacket(connection, message, fds)) log::warning("the launcher did not wait for its answer");
}

}  // namespace

void Mounter::serve() {
  while (true) {
    std::array<pollfd, 2> ready{{{control_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0) {
      if (errno == EINTR) continue;
      throwErrno("poll");
    }
    // Main never speaks first: this is its end, or an answer that came too late.
    if (ready[0].revents != 0) {
      if (!ipc::receivePacket(control_.get())) return;
      continue;
    }
    Fd connection = acceptOn(listener_.get());
    if (!connection) continue;
    auto admitted = ipc::checkPeer(connection.get(), peer_);
    if (!admitted) {
      log::warning("refused a peer", {{"reason", describe(admitted.error())}});
      continue;
    }
    serveConnection(connection.get());
  }
}

void Mounter::serveConnection(int connection) {
  std::optional<Request> request;
  try {
    auto packet = ipc::receivePacket(connection, limits::mountRequest);
    if (!packet) return;
    auto parsed = parseRequest(std::move(*packet));
    if (!parsed) {
      answer(connection, tl::unexpected(parsed.error()));
      return;
    }
    request = std::move(*parsed);
  } catch (const std::exception& error) {
    log::warning("a request that is none", {{"reason", error.what()}});
    return;
  }
  answer(connection, mount(*request));
}

Outcome<Fd> Mounter::mount(const Request& request) {
  try {
    return make(request);
  } catch (const SystemError& error) {
    log::error("cannot mount", {{"container", request.container.text()}, {"reason", error.what()}});
    return refuse(Code::internal, "root file system", "cannot be mounted: " + errnoText(error.number()));
  }
}

Outcome<Fd> Mounter::make(const Request& request) {
  if (const auto* image = std::get_if<Request::Image>(&request.what))
    return makeImage(request.container, *image);
  if (const auto* volume = std::get_if<Request::Volume>(&request.what))
    return anonymousVolume(view_.store.get(), request.container, volume->number);
  return makeRoot(request.container, std::get<Request::Root>(request.what));
}

Outcome<Fd> Mounter::makeRoot(const ContainerId& container, const Request::Root& root) {
  auto parts = askForParts(container, std::nullopt);
  if (!parts) return tl::unexpected(parts.error());
  auto mount = parts->composed ? cloneComposed(container, root) : mountLayers(container, root, *parts);
  if (mount) setAttributes(*mount, root.readOnly);
  return mount;
}

Outcome<Fd> Mounter::mountLayers(const ContainerId& container, const Request::Root& root,
                                 const RootParts& parts) {
  auto lowers = overlay::openLowers(overlay::borrow(view_.store, view_.additional), parts.layers);
  if (!lowers) return tl::unexpected(lowers.error());
  std::optional<drivers::MappedLowers> mapped;
  try {
    mapped.emplace(*lowers, root.userNamespace.get(), stage);
  } catch (const SystemError& error) {
    return cannotMap(error.number());
  }
  overlay::Layers layers{std::move(*lowers), {}, {}};
  auto writable = openWritable(view_.store.get(), container, parts.project, layers);
  if (!writable) return tl::unexpected(writable.error());
  return overlay::mountOverlay(layers, false, stage);
}

Outcome<Fd> Mounter::cloneComposed(const ContainerId& container, const Request::Root& root) {
  auto directory = openComposed(view_.store.get(), container);
  if (!directory) return directory;
  Fd mount = drivers::cloneTree(directory->get(), root.userNamespace.get());
  if (mount) return mount;
  if (root.userNamespace) return cannotMap(errno);
  throwErrno("clone the root");
}

Outcome<Fd> Mounter::makeImage(const ContainerId& container, const Request::Image& image) {
  auto parts = askForParts(container, image.id);
  if (!parts) return tl::unexpected(parts.error());
  auto root =
      overlay::mountImageRoot(overlay::borrow(view_.store, view_.additional), parts->layers, stage, false);
  return root && !image.subPath.empty() ? partOf(*root, image.subPath) : std::move(root);
}

Outcome<RootParts> Mounter::askForParts(const ContainerId& container, const std::optional<ImageId>& image) {
  capnp::MallocMessageBuilder message;
  auto question = message.initRoot<schema::LayersQuestion>();
  question.setContainerId(container.text());
  if (image) question.setImageId(image->text());
  question.setNumber(++asked_);
  if (!ipc::sendPacket(control_.get(), message)) throwErrno("ask main");
  auto deadline = std::chrono::steady_clock::now() + limits::layersAnswer;
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    auto packet = ipc::receivePacket(control_.get(), std::max(left, std::chrono::milliseconds(0)));
    if (!packet && errno == EAGAIN) return refuse(Code::unavailable, "layers", "are not told in time");
    if (!packet) throw std::runtime_error("main is gone");
    auto answer = packet->as<schema::LayersAnswer>();
    if (answer.getNumber() == asked_) return parseAnswer(answer);
  }
}

}  // namespace bulkhead::mounter
