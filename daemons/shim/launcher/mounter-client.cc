#include "daemons/shim/launcher/mounter-client.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "daemons/common/base/sockets.h"
#include "ipc/convert.h"
#include "ipc/limits.h"
#include "ipc/packet.h"

namespace bulkhead::launcher {
namespace {

// A directory or a regular file.
Outcome<BindSource> request(const Context& context, capnp::MessageBuilder& message) {
  Fd socket = connectTo(context.layout.mounterSocket(), SOCK_SEQPACKET);
  if (!socket)
    return refuse(Code::unavailable, "", "the mounter is not there; it restarts by itself, try again");
  if (!ipc::sendPacket(socket.get(), message))
    return refuse(Code::unavailable, "", "the mounter went away, try again");
  auto packet = ipc::receivePacket(socket.get(), limits::launcherQuick);
  if (!packet) return refuse(Code::unavailable, "", "the mounter did not answer, try again");
  auto reply = packet->as<schema::MountReply>();
  if (reply.isRefused()) return tl::unexpected(ipc::readRefusal(reply.getRefused()));
  Fd mount = packet->takeFd(0);
  struct stat info {};
  if (!mount || ::fstat(mount.get(), &info) != 0 || (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode))) {
    throw std::runtime_error("the mounter sent neither a directory nor a file");
  }
  return BindSource{std::move(mount), S_ISDIR(info.st_mode)};
}

}  // namespace

Outcome<Fd> requestRoot(const Context& context, const ContainerId& id) {
  capnp::MallocMessageBuilder message;
  auto asked = message.initRoot<schema::MountRequest>();
  asked.setContainerId(id.text());
  // Writable also for a read-only root: the runtime makes mount points in it, then makes it read-only itself.
  asked.setReadOnly(false);
  asked.setRoot();
  auto root = request(context, message);
  if (!root) return tl::unexpected(root.error());
  if (!root->isDirectory) throw std::runtime_error("the mounter sent no directory");
  return std::move(root->mount);
}

Outcome<BindSource> requestVolume(const Context& context, const ContainerId& id, schema::Mount::Reader mount,
                                  const std::string& field) {
  capnp::MallocMessageBuilder message;
  auto asked = message.initRoot<schema::MountRequest>();
  asked.setContainerId(id.text());
  if (mount.isImage()) {
    asked.initImage().setImageId(mount.getImage());
    asked.getImage().setSubPath(mount.getSubPath());
  } else {
    asked.setVolume(mount.getVolume());
  }
  auto made = request(context, message);
  if (made) return made;
  Refusal refusal = made.error();
  refusal.field = refusal.field == "subPath" ? field + ".subPath" : field;
  return tl::unexpected(std::move(refusal));
}

}  // namespace bulkhead::launcher
