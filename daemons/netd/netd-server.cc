#include "daemons/netd/netd-server.h"

#include <sys/socket.h>

#include "ipc/convert.h"
#include "ipc/file-capability.h"
#include "ipc/scrub.h"

namespace bulkhead::netd {
namespace {

void write(schema::Attachment::Builder to, const Attachment& from) {
  auto addresses = to.initAddresses(static_cast<unsigned>(from.addresses.size()));
  for (unsigned i = 0; i < addresses.size(); ++i) addresses.set(i, from.addresses[i]);
  to.setNetnsPath(from.netnsPath);
}

void write(schema::PodCounters::Interface::Builder to, const LinkCounters& from) {
  to.setName(from.name);
  to.setReceivedBytes(from.receivedBytes);
  to.setReceivedPackets(from.receivedPackets);
  to.setReceivedErrors(from.receivedErrors);
  to.setReceivedDropped(from.receivedDropped);
  to.setSentBytes(from.sentBytes);
  to.setSentPackets(from.sentPackets);
  to.setSentErrors(from.sentErrors);
  to.setSentDropped(from.sentDropped);
}

void write(schema::PodCounters::Builder to, const PodId& pod, const PodCounters::Links& links) {
  to.setPodId(pod.text());
  auto interfaces = to.initInterfaces(static_cast<unsigned>(links.size()));
  for (unsigned i = 0; i < interfaces.size(); ++i) write(interfaces[i], links[i]);
}

// What is no id is no pod's.
std::vector<PodId> readIds(capnp::List<capnp::Text>::Reader from) {
  std::vector<PodId> ids;
  for (auto text : from) {
    if (auto id = PodId::parse(ipc::toString(text), "podIds")) ids.push_back(*id);
  }
  return ids;
}

bool isUnixStream(const Fd& fd) {
  auto is = [&fd](int option, int wanted) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd.get(), SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
  };
  return fd && is(SO_DOMAIN, AF_UNIX) && is(SO_TYPE, SOCK_STREAM);
}

}  // namespace

kj::Promise<void> NetdServer::attach(AttachContext context) {
  return ipc::scrubbed("attach", kj::evalNow([&]() { return attachInto(context); }));
}

kj::Promise<void> NetdServer::detach(DetachContext context) {
  return ipc::scrubbed("detach", kj::evalNow([&]() { return detachInto(context); }));
}

kj::Promise<void> NetdServer::list(ListContext context) {
  return ipc::scrubbed("list", kj::evalNow([&]() { return listInto(context); }));
}

kj::Promise<void> NetdServer::status(StatusContext context) {
  return ipc::scrubbed("status", kj::evalNow([&]() { return statusInto(context); }));
}

kj::Promise<void> NetdServer::counters(CountersContext context) {
  return ipc::scrubbed("counters", kj::evalNow([&]() { return countersInto(context); }));
}

kj::Promise<void> NetdServer::forward(ForwardContext context) {
  return ipc::scrubbed("forward", kj::evalNow([&]() { return forwardInto(context); }));
}

kj::Promise<void> NetdServer::attachInto(AttachContext context) {
  if (restart_.isDue()) return kj::NEVER_DONE;
  auto pod = parsePodNetwork(context.getParams().getPod()).and_then([this](PodNetwork&& asked) {
    return admit(std::move(asked));
  });
  if (!pod) {
    ipc::writeRefusal(context.getResults().initResult().initRefused(), pod.error());
    return kj::READY_NOW;
  }
  context.releaseParams();
  return attachments_.attach(std::move(*pod)).then([context](Outcome<Attachment>&& attached) mutable {
    auto result = context.getResults().initResult();
    if (!attached) return ipc::writeRefusal(result.initRefused(), attached.error());
    write(result.initOk(), *attached);
  });
}

// The ceiling is enforced on this side of the door: what the frontend asks for is a wish.
Outcome<PodNetwork> NetdServer::admit(PodNetwork pod) const {
  if (pod.portMappings.empty() || settings_.hostPorts) return pod;
  return refuse(Code::permissionDenied, "portMappings",
                "the ceiling does not grant ports of the node (host_ports)");
}

kj::Promise<void> NetdServer::detachInto(DetachContext context) {
  auto pod = PodId::parse(ipc::toString(context.getParams().getPodId()), "podId");
  if (!pod) {
    ipc::writeRefusal(context.getResults().initResult().initRefused(), pod.error());
    return kj::READY_NOW;
  }
  counters_.forget(*pod);
  return attachments_.detach(*pod).then([context](Outcome<void>&& detached) mutable {
    auto result = context.getResults().initResult();
    if (!detached) return ipc::writeRefusal(result.initRefused(), detached.error());
    result.initOk();
  });
}

kj::Promise<void> NetdServer::listInto(ListContext context) {
  auto all = attachments_.list();
  auto pods = context.getResults().initPods(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < pods.size(); ++i) {
    pods[i].setPodId(all[i].first.text());
    write(pods[i].initAttachment(), all[i].second);
  }
  return kj::READY_NOW;
}

kj::Promise<void> NetdServer::statusInto(StatusContext context) {
  if (restart_.isDue()) return kj::NEVER_DONE;
  return status_.now().then([context](Readiness&& readiness) mutable {
    auto results = context.getResults();
    results.setReady(readiness.ready);
    results.setReason(readiness.reason);
    results.setMessage(readiness.message);
  });
}

kj::Promise<void> NetdServer::countersInto(CountersContext context) {
  auto pods = readIds(context.getParams().getPodIds());
  context.releaseParams();
  return counters_.read(std::move(pods)).then([context](auto&& all) mutable {
    auto list = context.getResults().initPods(static_cast<unsigned>(all.size()));
    for (unsigned i = 0; i < list.size(); ++i) write(list[i], all[i].first, all[i].second);
  });
}

// Which pod is in the node's network only the frontend knows; whether one may be is the ceiling's.
Outcome<PodId> NetdServer::forwardable(schema::Netd::ForwardParams::Reader params) const {
  auto pod = PodId::parse(ipc::toString(params.getPodId()), "podId");
  if (!pod) return pod;
  if (params.getPort() == 0) return refuse(Code::invalidArgument, "port", "is 0");
  if (params.getOfNode() && !settings_.hostNetwork)
    return refuse(Code::permissionDenied, "ofNode",
                  "the ceiling does not grant the network of the node (host_network)");
  if (!params.getOfNode() && !attachments_.isAttached(*pod))
    return refuse(Code::notFound, "podId", "has no network here");
  return pod;
}

kj::Promise<void> NetdServer::forwardInto(ForwardContext context) {
  auto params = context.getParams();
  auto pod = forwardable(params);
  if (!pod) {
    ipc::writeRefusal(context.getResults().initResult().initRefused(), pod.error());
    return kj::READY_NOW;
  }
  NetnsClient::Forward wanted{*pod, params.getPort(), params.getOfNode(), {}};
  auto join = [this, wanted = std::move(wanted)](Fd&& connection) mutable -> kj::Promise<Outcome<void>> {
    if (!isUnixStream(connection))
      return Outcome<void>(refuse(Code::invalidArgument, "connection", "is no stream socket"));
    wanted.connection = std::move(connection);
    return netns_.forward(std::move(wanted));
  };
  auto joined = ipc::receiveFile(params.getConnection()).then(kj::mv(join));
  context.releaseParams();
  return joined.then([context](Outcome<void>&& outcome) mutable {
    auto result = context.getResults().initResult();
    if (!outcome) return ipc::writeRefusal(result.initRefused(), outcome.error());
    result.initOk();
  });
}

}  // namespace bulkhead::netd
