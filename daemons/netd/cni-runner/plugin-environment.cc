#include "daemons/netd/cni-runner/plugin-environment.h"

#include <net/if.h>

#include <array>

#include "daemons/common/base/ids.h"
#include "ipc/convert.h"

namespace bulkhead::cni {
namespace {

// Empty for a number that this version does not know.
std::string_view verbOf(schema::PluginRun::Command command) {
  static constexpr std::array<std::string_view, 6> verbs{"ADD", "DEL", "CHECK", "VERSION", "STATUS", "GC"};
  auto number = static_cast<size_t>(command);
  return number < verbs.size() ? verbs[number] : std::string_view();
}

// CNI_ARGS is a list of KEY=VALUE joined by ';'. What Kubernetes calls pods is plain, and changes nothing
// there.
bool fitsArguments(const std::string& value) {
  return value.empty() || isPlainName(value);
}

std::string join(const std::vector<std::string>& parts) {
  std::string joined;
  for (const std::string& part : parts) joined += (joined.empty() ? "" : ":") + part;
  return joined;
}

// The keys that every Kubernetes runtime gives (containerd, CRI-O): agents look the pod up by them.
Outcome<std::string> kubernetesArguments(schema::PluginRun::Reader run) {
  std::string arguments = "IgnoreUnknown=1";
  for (auto& [key, text] :
       {std::pair{"K8S_POD_NAMESPACE", run.getPodNamespace()}, std::pair{"K8S_POD_NAME", run.getPodName()},
        std::pair{"K8S_POD_INFRA_CONTAINER_ID", run.getPodId()}, std::pair{"K8S_POD_UID", run.getPodUid()}}) {
    std::string value = ipc::toString(text);
    if (!fitsArguments(value)) return invalid(key, "is not a plain name");
    arguments += std::string(";") + key + "=" + value;
  }
  return arguments;
}

}  // namespace

Outcome<std::vector<std::string>> pluginEnvironment(schema::PluginRun::Reader run, const std::string& netns,
                                                    const Places& places) {
  std::string_view verb = verbOf(run.getCommand());
  if (verb.empty()) return invalid("command", "is unknown");
  std::vector<std::string> environment{"CNI_COMMAND=" + std::string(verb),
                                       "CNI_PATH=" + join(places.pluginDirectories),
                                       "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  if (run.getPodId().size() == 0) return environment;  // VERSION, STATUS and GC are about no pod

  auto pod = PodId::parse(ipc::toString(run.getPodId()), "podId");
  if (!pod) return tl::unexpected(pod.error());
  std::string interface = ipc::toString(run.getInterface());
  if (!isPlainName(interface) || interface.size() >= IFNAMSIZ)
    return invalid("interface", "is not an interface name");
  auto arguments = kubernetesArguments(run);
  if (!arguments) return tl::unexpected(arguments.error());
  environment.insert(environment.end(),
                     {"CNI_CONTAINERID=" + pod->text(), "CNI_IFNAME=" + interface, "CNI_ARGS=" + *arguments});
  if (!netns.empty()) environment.push_back("CNI_NETNS=" + netns);
  return environment;
}

}  // namespace bulkhead::cni
