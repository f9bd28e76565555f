// The mounter's loop: one connection, one request, one answer, then the next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/storaged/mounter/view.h"
#include "ipc/peer.h"
#include "ipc/schema/mount.capnp.h"

namespace bulkhead::mounter {

// What the launcher may ask.
struct Request {
  struct Root {
    bool readOnly;
    Fd userNamespace;  // empty: the host's
  };
  struct Image {
    ImageId id;
    std::string subPath;
  };
  struct Volume {
    std::uint16_t number;
  };
  ContainerId container;
  std::variant<Root, Image, Volume> what;
};

// What main says a container's root, or an image, is made of.
struct RootParts {
  bool composed = false;  // there is a directory of the container's own; else the layers, topmost first
  std::vector<LayerName> layers;
  std::uint32_t project = 0;  // of the writable layer's quota; 0: none
};

class Mounter {
 public:
  // `control`: to storaged's main.
  Mounter(Fd control, View view, Fd listener, ipc::PermittedPeer peer)
      : control_(std::move(control)),
        view_(std::move(view)),
        listener_(std::move(listener)),
        peer_(std::move(peer)) {}

  // Until main closes the control socket. A question that main does not answer in time is a refusal, and its
  // answer, known by its number, is dropped when it comes.
  void serve();

 private:
  void serveConnection(int connection);
  Outcome<Fd> mount(const Request& request);
  Outcome<Fd> make(const Request& request);
  Outcome<Fd> makeRoot(const ContainerId& container, const Request::Root& root);
  Outcome<Fd> mountLayers(const ContainerId& container, const Request::Root& root, const RootParts& parts);
  Outcome<Fd> cloneComposed(const ContainerId& container, const Request::Root& root);
  Outcome<Fd> makeImage(const ContainerId& container, const Request::Image& image);
  // Of the container, or of an image that it mounts.
  Outcome<RootParts> askForParts(const ContainerId& container, const std::optional<ImageId>& image);

  Fd control_;
  View view_;
  Fd listener_;
  ipc::PermittedPeer peer_;
  std::uint64_t asked_ = 0;
};

}  // namespace bulkhead::mounter
