// One connection, one request, one reply, in a process of its own.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/log.h"
#include "daemons/shim/launcher/container.h"
#include "daemons/shim/launcher/log-file.h"
#include "daemons/shim/launcher/oci-runtime.h"
#include "daemons/shim/launcher/pod.h"
#include "daemons/shim/launcher/server.h"
#include "daemons/shim/open-files/count-files.h"
#include "ipc/convert.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::launcher {
namespace {

using ipc::toString;
using Reply = schema::LaunchReply::Builder;
using namespace std::chrono_literals;

// A peer that connects and says nothing holds a process of ours for no longer.
constexpr auto requestTimeout = 5s;

Outcome<void> inspect(const Context& context, capnp::Text::Reader id, schema::ContainerInfo::Builder reply) {
  auto container = findContainer(context, id, record::Lock::shared);
  if (container) (void)fillInfo(context, *container, reply);
  return container.map([](const Container&) {});
}

// Without locks: a container that is being made or deleted appears as its records say at this moment.
void list(const Context& context, Reply reply) {
  auto pods = record::listPods(context.pods);
  auto infos = reply.initList(static_cast<unsigned>(pods.size()));
  for (unsigned i = 0; i < pods.size(); ++i) {
    infos[i].setId(pods[i].text());
    Fd directory = tryOpenBeneath(context.pods.directory.get(), pods[i].text(), O_RDONLY | O_DIRECTORY);
    auto pod = directory ? readPod(directory.get()) : nullptr;
    if (!pod) continue;
    infos[i].setShimUid(pod->record.getShimUid());
    infos[i].setCgroup(pod->record.getCgroup());
    auto ids = record::listContainers(directory.get());
    auto containers = infos[i].initContainers(static_cast<unsigned>(ids.size()));
    for (unsigned k = 0; k < ids.size(); ++k) {
      containers[k].setId(ids[k].text());
      containers[k].setPodId(pods[i].text());
      containers[k].setCgroup(cgroupOf(pod->record, ids[k]));
      Fd container = tryOpenBeneath(directory.get(), "containers/" + ids[k].text(), O_RDONLY | O_DIRECTORY);
      std::string gate = startGate(context, pod->record, ids[k]);
      if (container) (void)describeContainer(container.get(), gate, containers[k], Wait::no);
    }
  }
}

// A few bytes at once: they arrive whole (pipe(7), PIPE_BUF).
void announce(const Fd& execs) {
  pid_t self = ::getpid();
  if (::write(execs.get(), &self, sizeof self) != static_cast<ssize_t>(sizeof self))
    throwErrno("announce an exec");
}

std::vector<Fd> takeFds(ipc::Packet& packet) {
  std::vector<Fd> fds;
  for (size_t i = 0; i < packet.fdCount(); ++i) fds.push_back(packet.takeFd(i));
  return fds;
}

Outcome<void> dispatch(const Context& context, ipc::Packet& packet, int connection, const Fd& execs,
                       Reply reply, Fd& attached) {
  auto request = packet.as<schema::LaunchRequest>();
  reply.setDone();
  switch (request.which()) {
    case schema::LaunchRequest::MAKE_POD:
      return makePod(context, request.getMakePod(), reply.initPod());
    case schema::LaunchRequest::REMOVE_POD:
      return removePod(context, request.getRemovePod());
    case schema::LaunchRequest::CREATE_CONTAINER:
      return createContainer(context, request.getCreateContainer(), reply.initContainer());
    case schema::LaunchRequest::START_CONTAINER:
      return startContainer(context, request.getStartContainer());
    case schema::LaunchRequest::SIGNAL_CONTAINER:
      return signalContainer(context, request.getSignalContainer());
    case schema::LaunchRequest::DELETE_CONTAINER:
      return deleteContainer(context, request.getDeleteContainer());
    case schema::LaunchRequest::EXEC:
      announce(execs);
      return execInContainer(context, request.getExec(), takeFds(packet), connection, reply.initExec());
    case schema::LaunchRequest::INSPECT:
      return inspect(context, request.getInspect(), reply.initContainer());
    case schema::LaunchRequest::LIST:
      list(context, reply);
      return {};
    case schema::LaunchRequest::COUNT_FILES:
      files::countFiles(context.pods, request.getCountFiles(), reply);
      return {};
    case schema::LaunchRequest::VERSION:
      return runtimeVersion(context, toString(request.getVersion())).map([&](const std::string& version) {
        reply.setVersion(version);
      });
    case schema::LaunchRequest::OPEN_LOG:
      return openLogAgain(context, request.getOpenLog()).map([&](Fd&& log) { attached = std::move(log); });
    case schema::LaunchRequest::UPDATE_CONTAINER:
      return updateContainer(context, request.getUpdateContainer());
  }
  return invalid("", "is not a request that this launcher knows");
}

}  // namespace

int handle(const Context& context, Fd connection, const Fd& execs) {
  ::umask(022);  // modes are given explicitly
  capnp::MallocMessageBuilder message;
  auto reply = message.initRoot<schema::LaunchReply>();
  Fd attached;
  Outcome<void> done = refuse(Code::internal, "", "internal error in launcher");
  try {
    auto packet = ipc::receivePacket(connection.get(), requestTimeout);
    if (!packet) return 1;
    done = dispatch(context, *packet, connection.get(), execs, reply, attached);
  } catch (const record::Busy& error) {
    done = refuse(Code::unavailable, "", std::string(error.what()) + ", try again");
  } catch (const kj::Exception& error) {
    log::error("bad request", {{"error", error.getDescription().cStr()}});
  } catch (const std::exception& error) {
    log::error("request failed", {{"error", error.what()}});
  }
  if (!done) ipc::writeRefusal(reply.initRefused(), done.error());
  try {
    std::vector<int> fds;
    if (attached) fds.push_back(attached.get());
    return ipc::sendPacket(connection.get(), message, fds) ? 0 : 1;
  } catch (const std::exception& error) {
    log::error("reply failed", {{"error", error.what()}});
    return 1;
  }
}

}  // namespace bulkhead::launcher
