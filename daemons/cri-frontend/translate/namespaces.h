// CRI's namespace modes as those of the schema.
#pragma once

#include <optional>
#include <string>

#include "daemons/common/base/ids.h"
#include "daemons/cri-frontend/translate/first-refusal.h"
#include "ipc/schema/launch.capnp.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

struct Namespaces {
  schema::Namespace network = schema::Namespace::POD;
  schema::Namespace ipc = schema::Namespace::POD;
  schema::Namespace pid = schema::Namespace::CONTAINER;
  std::optional<ContainerId> pidTarget;  // of a container: whose PID namespace it enters
};

// Of a pod. `options` null: the message was absent, which means the defaults above. In a message that is
// there, the zero value of `pid` is POD, one namespace for the whole pod.
Namespaces podNamespaces(const ::runtime::v1::NamespaceOption* options, const std::string& field,
                         FirstRefusal& no);

// Of a container in a pod that has `pod`'s: network and ipc are the pod's, the process namespace is the
// container's own choice: its own, another container's (TARGET), or the pod's or node's where the pod has
// that; else they are refused (permissionDenied).
Namespaces containerNamespaces(const ::runtime::v1::NamespaceOption* options, const Namespaces& pod,
                               const std::string& field, FirstRefusal& no);

}  // namespace bulkhead::cri
