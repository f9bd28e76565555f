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

schema::Namespace ownOrNode(v1::NamespaceMode mode, const std::string& field, FirstRefusal& no) {
  if (mode == v1::CONTAINER) return schema::Namespace::CONTAINER;
  if (mode == v1::NODE) return schema::Namespace::NODE;
  no.unless(false, field,
            mode == v1::POD
                ? "POD, a process namespace shared by the pod, is not supported yet: use CONTAINER"
                : "TARGET is not supported yet: use CONTAINER or NODE");
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
  no.unsupported(!options->target_id().empty(), field + ".target_id");
  return {.network = sharedOrNode(options->network(), field + ".network", no),
          .ipc = sharedOrNode(options->ipc(), field + ".ipc", no),
          .pid = ownOrNode(options->pid(), field + ".pid", no)};
}

Namespaces containerNamespaces(const v1::NamespaceOption* options, const Namespaces& pod,
                               const std::string& field, FirstRefusal& no) {
  if (options == nullptr) return pod;
  refuseUserNamespace(*options, field, no);
  no.unsupported(!options->target_id().empty(), field + ".target_id");
  auto network = sharedOrNode(options->network(), field + ".network", no);
  auto ipc = sharedOrNode(options->ipc(), field + ".ipc", no);
  auto pid = ownOrNode(options->pid(), field + ".pid", no);
  auto demandPodHas = [&](schema::Namespace asked, schema::Namespace has, const char* which) {
    bool good = asked != schema::Namespace::NODE || has == asked;
    no.unless(good, field + which, "is the node's, and the pod's is not", Code::permissionDenied);
  };
  demandPodHas(network, pod.network, ".network");
  demandPodHas(ipc, pod.ipc, ".ipc");
  demandPodHas(pid, pod.pid, ".pid");
  return {.network = pod.network, .ipc = pod.ipc, .pid = pid};
}

}  // namespace bulkhead::cri
