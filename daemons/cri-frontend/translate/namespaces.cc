#include "daemons/cri-frontend/translate/namespaces.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

schema::Namespace sharedOrNode(v1::NamespaceMode mode, const std::string& field, FirstRefusal& no) {
  if (mode == v1::POD) return schema::Namespace::POD;
  if (mode == v1::NODE) return schema::Namespace::NODE;
  no.unless(false, field,
            mode == v1::CONTAINER ? "CONTAINER is not supported yet: use POD or NODE" : "is not POD or NODE");
  return schema::Namespace::POD;
}

schema::Namespace ofProcesses(v1::NamespaceMode mode, const std::string& field, FirstRefusal& no) {
  if (mode == v1::POD) return schema::Namespace::POD;
  if (mode == v1::NODE) return schema::Namespace::NODE;
  no.unless(mode == v1::CONTAINER, field, "is not POD, CONTAINER or NODE");
  return schema::Namespace::CONTAINER;
}

void refuseUserNamespace(const v1::NamespaceOption& options, const std::string& field, FirstRefusal& no) {
  if (!options.has_userns_options()) return;
  const auto& user = options.userns_options();
  no.unsupported(user.mode() != v1::NODE || user.uids_size() > 0 || user.gids_size() > 0,
                 field + ".userns_options");
}

}  // namespace

Namespaces podNamespaces(const v1::NamespaceOption* options, const std::string& field, FirstRefusal& no) {
  if (options == nullptr) return {};
  refuseUserNamespace(*options, field, no);
  no.unless(options->target_id().empty(), field + ".target_id", "is for containers alone");
  return {.network = sharedOrNode(options->network(), field + ".network", no),
          .ipc = sharedOrNode(options->ipc(), field + ".ipc", no),
          .pid = ofProcesses(options->pid(), field + ".pid", no),
          .pidTarget = {}};
}

Namespaces containerNamespaces(const v1::NamespaceOption* options, const Namespaces& pod,
                               const std::string& field, FirstRefusal& no) {
  if (options == nullptr) return pod;
  refuseUserNamespace(*options, field, no);
  const bool target = options->pid() == v1::TARGET;
  no.unless(target || options->target_id().empty(), field + ".target_id", "is set, but pid is not TARGET");
  auto network = sharedOrNode(options->network(), field + ".network", no);
  auto ipc = sharedOrNode(options->ipc(), field + ".ipc", no);
  auto pid = target ? schema::Namespace::CONTAINER : ofProcesses(options->pid(), field + ".pid", no);
  std::optional<ContainerId> targetId;
  if (auto id = ContainerId::parse(options->target_id(), field + ".target_id"); target && id) {
    targetId = std::move(*id);
  } else if (target) {
    no.note(tl::unexpected(id.error()));
  }
  auto demandPodHas = [&](schema::Namespace asked, schema::Namespace has, const char* which) {
    bool good = asked != schema::Namespace::NODE || has == asked;
    no.unless(good, field + which, "is the node's, and the pod's is not", Code::permissionDenied);
  };
  no.unless(pid != schema::Namespace::POD || pod.pid == pid, field + ".pid",
            "is the pod's, and its containers have their own");
  demandPodHas(network, pod.network, ".network");
  demandPodHas(ipc, pod.ipc, ".ipc");
  demandPodHas(pid, pod.pid, ".pid");
  return {.network = pod.network, .ipc = pod.ipc, .pid = pid, .pidTarget = std::move(targetId)};
}

}  // namespace bulkhead::cri
