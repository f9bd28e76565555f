// The verb createContainer, up to the fork.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/sockets.h"
#include "daemons/shim/devices/devices.h"
#include "daemons/shim/launcher/container-birth.h"
#include "daemons/shim/launcher/log-file.h"
#include "daemons/shim/launcher/mounter-client.h"
#include "daemons/shim/launcher/seccomp-file.h"
#include "daemons/shim/namespaces/pod-namespaces.h"
#include "daemons/shim/resources/limits.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::launcher {
namespace {

using ipc::toString;

Fd makeFile(int directory, const char* name) {
  Fd file = tryOpenBeneath(directory, name, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (!file) throwErrno(std::string("create ") + name);
  return file;
}

// Opens and judges everything, in the host's mount namespace.
Outcome<Birth> prepare(const Context& context, const Container& container,
                       schema::ContainerSpec::Reader spec) {
  auto pod = container.pod->record;
  auto runtime = OciRuntime::find(context, toString(pod.getRuntime()));
  if (!runtime) return tl::unexpected(runtime.error());
  Birth birth{context, container, *runtime, spec, grantsFor(context, pod, spec)};
  auto network = namespaces::networkPin(context.layout, pod.getSpec());
  if (!network) return tl::unexpected(network.error());
  birth.grants.networkNamespace = *network;
  auto version = birth.grants.cgroupV2 ? resources::Version::v2 : resources::Version::v1;
  auto possible = resources::checkHost(spec.getResources(), version, birth.grants.hugetlb);
  if (!possible) return tl::unexpected(possible.error());
  if (spec.getPid() == schema::Namespace::POD) {
    auto processes = namespaces::processPin(context.layout, container.podDirectory.get(), pod.getSpec());
    if (!processes) return tl::unexpected(processes.error());
    birth.grants.pidNamespace = *processes;
  }
  if (spec.getPidTarget().size() > 0) {
    auto target = namespaces::processesOf(container.podDirectory.get(), toString(spec.getPidTarget()));
    if (!target) return tl::unexpected(target.error());
    birth.target = std::move(*target);
  }
  auto devices = devices::open(spec.getDevices(), context.config.getCeiling().getDevices());
  if (!devices) return tl::unexpected(devices.error());
  birth.grants.devices = std::move(*devices);
  if (spec.getSeccomp() == schema::Seccomp::LOCALHOST) {
    auto profile = openSeccomp(context, toString(spec.getSeccompProfile()), birth.grants.capabilities);
    if (!profile) return tl::unexpected(profile.error());
    birth.seccomp = std::move(*profile);
    birth.grants.seccomp = birth.seccomp->get();
  }

  ceiling::BindRules rules = bindRules(context);
  for (unsigned i = 0; i < spec.getMounts().size(); ++i) {
    auto mount = spec.getMounts()[i];
    std::string field = "mounts[" + std::to_string(i) + "]";
    auto source = mount.isBind() ? openBindSource(mount, rules, field + ".source")
                                 : requestVolume(context, container.id, mount, field);
    if (!source) return tl::unexpected(source.error());
    birth.sources.push_back(std::move(*source));
  }
  if (spec.getLogPath().size() > 0) {
    auto log = openLog(context, toString(pod.getSpec().getLogDirectory()), toString(spec.getLogPath()));
    if (!log) return tl::unexpected(log.error());
    birth.log = std::move(*log);
  }
  auto root = requestRoot(context, container.id);
  if (!root) return tl::unexpected(root.error());
  birth.root = std::move(*root);
  if (spec.getStdin() && !spec.getTty()) birth.in = makePipe();
  if (!spec.getTty()) birth.out = makePipe();
  birth.err = makePipe();  // of a terminal nothing comes out of it
  birth.exitRecord = makeFile(container.directory.get(), "exit");
  birth.started = makeFile(container.directory.get(), "started");
  birth.listener = listenForGroup(context.layout.shimDirectory() + "/" + container.id.text() + ".sock",
                                  context.config.getIdentities().getCriGid());
  return birth;
}

Outcome<void> bearChild(const Context& context, const Container& container,
                        schema::ContainerSpec::Reader spec) {
  auto birth = prepare(context, container, spec);
  if (!birth) return tl::unexpected(birth.error());
  Pipe report = makePipe();
  pid_t child = ::fork();
  if (child < 0) throwErrno("fork");
  if (child == 0) {
    report.read.reset();
    becomeShim(*birth, std::move(report.write));
  }
  report.write.reset();
  auto refused = ipc::readMessage(report.read.get(), limits::packetInline);
  if (refused) return tl::unexpected(ipc::readRefusal(refused->as<schema::Refusal>()));
  if (::waitpid(child, nullptr, WNOHANG) == child)
    return refuse(Code::internal, "", "the container's monitor ended early");
  return {};
}

// The container's directory, held, and empty but for what this request will write.
Outcome<Container> claim(const Context& context, const ContainerId& id, const PodId& podId,
                         schema::ContainerInfo::Builder reply, bool& exists) {
  while (true) {
    Fd podDirectory = record::lockPod(context.pods, podId, record::Lock::shared, record::Absent::leave);
    auto pod = podDirectory ? readPod(podDirectory.get()) : nullptr;
    if (!pod) return refuse(Code::notFound, "podId", "is not a pod of this node");
    // Before the directory: what is not in the index is found by nobody, not even to be deleted.
    if (!record::indexContainer(context.pods, id, podId))
      return refuse(Code::alreadyExists, "id", "is a container of another pod");
    Fd directory =
        record::lockContainer(podDirectory.get(), id, record::Lock::exclusive, record::Absent::make);
    Container container{id, podId, std::move(podDirectory), std::move(directory), std::move(pod)};
    exists = record::readRecord(container.directory.get(), "processes").has_value();
    if (exists) (void)fillInfo(context, container, reply);
    if (exists || !record::readRecord(container.directory.get(), "container")) return container;
    if (auto discarded = discardContainer(context, container); !discarded)
      return tl::unexpected(discarded.error());
  }
}

}  // namespace

Outcome<void> createContainer(const Context& context, schema::ContainerSpec::Reader spec,
                              schema::ContainerInfo::Builder reply) {
  auto id = ContainerId::parse(toString(spec.getId()), "id");
  if (!id) return tl::unexpected(id.error());
  auto podId = PodId::parse(toString(spec.getPodId()), "podId");
  if (!podId) return tl::unexpected(podId.error());
  if (spec.totalSize().wordCount > limits::containerSpecWords) return invalid("", "is too large");
  bool exists = false;
  auto container = claim(context, *id, *podId, reply, exists);
  if (!container) return tl::unexpected(container.error());
  if (exists) return {};

  auto done = ceiling::checkContainer(spec, container->pod->record.getSpec(), context.config);
  if (done) {
    capnp::MallocMessageBuilder record;
    record.setRoot(spec);
    record::writeRecord(container->directory.get(), "container", record);
    done = bearChild(context, *container, spec);
  }
  if (done) {
    (void)fillInfo(context, *container, reply);
  } else if (auto discarded = discardContainer(context, *container); !discarded) {
    return discarded;
  }
  return done;
}

}  // namespace bulkhead::launcher
