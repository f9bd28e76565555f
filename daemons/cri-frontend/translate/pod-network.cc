// The pod as netd is told of it.
#include "daemons/cri-frontend/translate/fields.h"
#include "daemons/cri-frontend/translate/pod.h"
#include "daemons/cri-frontend/translate/quantity.h"

namespace bulkhead::cri {
namespace {

// In bits per second; 0: not asked for. The bounds are the kubelet's own (pkg/util/bandwidth).
std::uint64_t readRate(const std::map<std::string, std::string>& annotations, const std::string& key,
                       FirstRefusal& no) {
  constexpr std::uint64_t least = 1000, most = 1'000'000'000'000'000;
  auto found = annotations.find(key);
  if (found == annotations.end()) return 0;
  auto rate = parseQuantity(found->second);
  no.unless(rate && *rate >= least && *rate <= most, "config.annotations[" + key + "]",
            "is not a quantity from 1k to 1P");
  return rate.value_or(0);
}

}  // namespace

void readBandwidth(PodPlan& plan, FirstRefusal& no) {
  plan.ingressRate = readRate(plan.annotations, "kubernetes.io/ingress-bandwidth", no);
  plan.egressRate = readRate(plan.annotations, "kubernetes.io/egress-bandwidth", no);
}

void describe(schema::PodNetwork::Builder to, const PodId& id, const PodPlan& plan) {
  auto setAll = [](capnp::List<capnp::Text>::Builder list, const std::vector<std::string>& texts) {
    for (unsigned i = 0; i < texts.size(); ++i) list.set(i, texts[i]);
  };
  to.setPodId(id.text());
  to.setName(plan.name);
  to.setNamespace(plan.nameSpace);
  to.setUid(plan.uid);
  auto ports = to.initPortMappings(static_cast<unsigned>(plan.ports.size()));
  for (unsigned i = 0; i < plan.ports.size(); ++i) {
    ports[i].setProtocol(plan.ports[i].protocol);
    ports[i].setContainerPort(plan.ports[i].containerPort);
    ports[i].setHostPort(plan.ports[i].hostPort);
    ports[i].setHostIp(plan.ports[i].hostIp);
  }
  auto annotations = to.initAnnotations(static_cast<unsigned>(plan.annotations.size()));
  unsigned at = 0;
  for (const auto& [key, value] : plan.annotations) {
    annotations[at].setKey(key);
    annotations[at++].setValue(kj::arrayPtr(value.data(), value.size()).asBytes());
  }
  to.setCgroupPath(plan.cgroupParent);
  auto dns = to.initDns();
  setAll(dns.initServers(static_cast<unsigned>(plan.dnsServers.size())), plan.dnsServers);
  setAll(dns.initSearches(static_cast<unsigned>(plan.dnsSearches.size())), plan.dnsSearches);
  setAll(dns.initOptions(static_cast<unsigned>(plan.dnsOptions.size())), plan.dnsOptions);
  to.setIngressRate(plan.ingressRate);
  to.setEgressRate(plan.egressRate);
}

}  // namespace bulkhead::cri
