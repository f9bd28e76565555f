// A CRI pod sandbox config as checked values, and those as the messages of launcher and netd.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemons/common/base/ids.h"
#include "daemons/common/base/sysctl.h"
#include "daemons/cri-frontend/settings.h"
#include "daemons/cri-frontend/translate/namespaces.h"
#include "ipc/schema/launch.capnp.h"
#include "ipc/schema/network.capnp.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

struct PortMapping {
  schema::PortMapping::Protocol protocol;
  uint16_t containerPort;
  uint16_t hostPort;
  std::string hostIp;
};

struct PodPlan {
  std::string name, nameSpace, uid;  // the metadata
  std::string handler;               // resolved: never empty
  std::string hostname;              // empty: made from the id, or the host's
  std::string cgroupParent;          // empty: the node's default
  std::string logDirectory;          // absolute, or empty
  Namespaces namespaces;
  std::vector<std::string> dnsServers, dnsSearches, dnsOptions;
  std::vector<PortMapping> ports;  // those with a host port; none on the node's network
  std::map<SysctlName, std::string> sysctls;
  bool privileged = false;
  std::map<std::string, std::string> annotations;
  uint64_t ingressRate = 0, egressRate = 0;  // bits per second; 0: no limit

  [[nodiscard]] bool hostNetwork() const { return namespaces.network == schema::Namespace::NODE; }
};

// Refuses what is malformed, and what this version does not act on, naming the field as in
// "config.metadata.name". `handler` as in the request: empty for the default.
Outcome<PodPlan> translatePod(const ::runtime::v1::PodSandboxConfig& config, const std::string& handler,
                              const Settings& settings);

void describe(schema::PodSpec::Builder to, const PodId& id, const PodPlan& plan);
// The rates, from the annotations that Kubernetes' users write.
void readBandwidth(PodPlan& plan, FirstRefusal& no);
void describe(schema::PodNetwork::Builder to, const PodId& id, const PodPlan& plan);

// The name that the pod's processes see: as asked, or the id's first 12 digits, or empty for the host's own.
std::string hostnameOf(const PodId& id, const PodPlan& plan);

}  // namespace bulkhead::cri
