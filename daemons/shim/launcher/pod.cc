#include "daemons/shim/launcher/pod.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/shim/ceiling/host-path.h"
#include "daemons/shim/cgroup/cgroups.h"
#include "daemons/shim/launcher/log-file.h"
#include "daemons/shim/launcher/oci-runtime.h"
#include "daemons/shim/namespaces/pod-namespaces.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::launcher {
namespace {

using ipc::toString;

// The handler that will really run: crun refuses some hosts, and then the fallback steps in if root
// configured one.
Outcome<std::string> effectiveRuntime(const Context& context, const std::string& asked) {
  std::string name = asked.empty() ? toString(context.config.getDefaultRuntime()) : asked;
  std::string path = runtimePath(context, name);
  if (path.empty())
    return refuse(Code::failedPrecondition, "runtimeHandler", "no default runtime is configured");
  if (!cgroup::isHybridWithV2Controllers()) return name;
  auto version = runtimeVersion(context, name);
  if (!version) return tl::unexpected(version.error());
  if (!refusesHybridHosts(*version)) return name;
  std::string fallback = toString(context.config.getFallbackRuntime());
  if (fallback.empty() || runtimePath(context, fallback).empty()) {
    return hybridRefusal();
  }
  log::warning("crun refuses this host's control groups; using the fallback", {{"runtime", fallback}});
  return fallback;
}

// One shim uid per pod, so that one pod's monitors cannot signal another's. Under lockAll.
Outcome<std::uint32_t> freeShimUid(const Context& context) {
  auto identities = context.config.getIdentities();
  std::set<std::uint32_t> taken;
  for (const PodId& id : record::listPods(context.pods)) {
    Fd directory = tryOpenBeneath(context.pods.directory.get(), id.text(), O_RDONLY | O_DIRECTORY);
    auto pod = directory ? readPod(directory.get()) : nullptr;
    if (pod) taken.insert(pod->record.getShimUid());
  }
  for (std::uint32_t i = 0; i < identities.getShimCount(); ++i) {
    if (!taken.contains(identities.getShimBase() + i)) return identities.getShimBase() + i;
  }
  return refuse(Code::resourceExhausted, "", "no free user id for another pod's monitors");
}

// Decides everything and writes it down, before anything is made.
Outcome<std::unique_ptr<Pod>> recordPod(const Context& context, const PodId& id, int directory,
                                        schema::PodSpec::Reader spec) {
  auto runtime = effectiveRuntime(context, toString(spec.getRuntimeHandler()));
  if (!runtime) return tl::unexpected(runtime.error());
  Fd all = record::lockAll(context.pods);
  auto uid = freeShimUid(context);
  if (!uid) return tl::unexpected(uid.error());
  std::string asked = toString(spec.getCgroupParent());
  std::string cgroup = asked.empty() ? toString(context.config.getCgroupParent()) + "/" + id.text()
                                     : ceiling::parseHostPath(asked, "cgroupParent").value();
  capnp::MallocMessageBuilder message;
  auto record = message.initRoot<schema::PodRecord>();
  record.setSpec(spec);
  record.setShimUid(*uid);
  record.setRuntime(*runtime);
  record.setCgroup(cgroup);
  record.setCgroupOurs(!cgroup::exists(cgroup));
  record::writeRecord(directory, "pod", message);
  return readPod(directory);
}

std::string resolvConf(schema::Dns::Reader dns) {
  if (dns.getServers().size() + dns.getSearches().size() + dns.getOptions().size() == 0) {
    return readSmallFile("/etc/resolv.conf");
  }
  auto line = [](const char* keyword, capnp::List<capnp::Text>::Reader words) {
    std::string text = words.size() > 0 ? keyword : "";
    for (auto word : words) text += " " + toString(word);
    return words.size() > 0 ? text + "\n" : text;
  };
  std::string text = line("search", dns.getSearches());
  for (auto server : dns.getServers()) text += "nameserver " + toString(server) + "\n";
  return text + line("options", dns.getOptions());
}

void writePodFiles(int directory, schema::PodSpec::Reader spec) {
  constexpr unsigned readable = 0644;
  Fd files = makeDirectory(directory, "files", 0755);
  std::string hostname = toString(spec.getHostname());
  if (hostname.empty()) hostname = readSmallFile("/proc/sys/kernel/hostname");
  while (!hostname.empty() && hostname.back() == '\n') hostname.pop_back();
  record::writeFile(files.get(), "hostname", hostname + "\n", readable);
  record::writeFile(files.get(), "resolv.conf", resolvConf(spec.getDns()), readable);
}

}  // namespace

std::unique_ptr<Pod> readPod(int podDirectory) {
  auto packet = record::readRecord(podDirectory, "pod");
  return packet ? std::make_unique<Pod>(std::move(*packet)) : nullptr;
}

Outcome<void> makePod(const Context& context, schema::PodSpec::Reader spec, schema::PodInfo::Builder reply) {
  auto id = PodId::parse(toString(spec.getId()), "id");
  if (!id) return tl::unexpected(id.error());
  // A record is a copy of it, with what this version does not know.
  if (spec.totalSize().wordCount > limits::podSpecWords) return invalid("", "is too large");
  if (auto allowed = ceiling::checkPod(spec, context.config); !allowed) return allowed;

  Fd directory = record::lockPod(context.pods, *id, record::Lock::exclusive, record::Absent::make);
  auto pod = readPod(directory.get());
  if (!pod) {
    auto recorded = recordPod(context, *id, directory.get(), spec);
    if (!recorded) {
      (void)::unlinkat(context.pods.directory.get(), id->text().c_str(), AT_REMOVEDIR);
      return tl::unexpected(recorded.error());
    }
    pod = std::move(*recorded);
  }
  auto accepted = pod->record.getSpec();
  if (auto made = makeLogDirectory(context, toString(accepted.getLogDirectory())); !made) return made;
  cgroup::make(toString(pod->record.getCgroup()));
  writePodFiles(directory.get(), accepted);
  namespaces::makePodNamespaces(context.layout, directory.get(), accepted,
                                {context.pauseProgram.get(), pod->record.getShimUid(),
                                 context.config.getIdentities().getCriGid(), context.root});
  reply.setId(id->text());
  reply.setShimUid(pod->record.getShimUid());
  reply.setCgroup(pod->record.getCgroup());
  return {};
}

Outcome<void> removePod(const Context& context, capnp::Text::Reader text) {
  auto id = PodId::parse(toString(text), "podId");
  if (!id) return tl::unexpected(id.error());
  Fd directory = record::lockPod(context.pods, *id, record::Lock::exclusive, record::Absent::leave);
  if (!directory) return {};
  if (!record::listContainers(directory.get()).empty()) {
    return refuse(Code::failedPrecondition, "podId", "still has containers");
  }
  auto pod = readPod(directory.get());
  namespaces::removePodNamespaces(context.layout, directory.get(), id->text());
  if (pod && pod->record.getCgroupOurs()) {
    std::string cgroup = toString(pod->record.getCgroup());
    cgroup::remove(cgroup);
    // The runtime's own parent goes with its last pod.
    if (cgroup == toString(context.config.getCgroupParent()) + "/" + id->text()) {
      cgroup::remove(toString(context.config.getCgroupParent()));
    }
  }
  std::filesystem::remove_all(record::podPath(context.pods, *id));
  return {};
}

}  // namespace bulkhead::launcher
