// What a pod asks of the network, and what plugins may be told of it, checked once at the door.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemons/common/base/ids.h"
#include "ipc/schema/network.capnp.h"

namespace bulkhead::netd {

struct PortMapping {
  std::string protocol;  // "tcp", "udp", "sctp"
  std::uint16_t containerPort = 0;
  std::uint16_t hostPort = 0;
  std::string hostIp;  // as inet_ntop(3) writes it; empty: all addresses
};

struct Dns {
  std::vector<std::string> servers, searches, options;
  [[nodiscard]] bool empty() const { return servers.empty() && searches.empty() && options.empty(); }
};

// For plugins that ask for it; no other sees it.
struct PodFacts {
  std::map<std::string, std::string> annotations;
  std::string cgroupPath;
  Dns dns;
  std::uint64_t ingressRate = 0;  // bits per second; 0: no limit
  std::uint64_t egressRate = 0;
};

struct PodNetwork {
  PodId id;
  std::string name;
  std::string nameSpace;
  std::string uid;
  std::vector<PortMapping> portMappings;  // those with a host port, each once
  PodFacts facts{};
};

// Refuses (invalidArgument) a bad id, texts that are not plain names (they go into CNI_ARGS and, as UTF-8,
// into the record), bad ports, protocols and addresses, and facts that are not UTF-8 or are more than
// Kubernetes allows (256 KiB of annotations). Mappings without a host port ask for nothing and are left out.
Outcome<PodNetwork> parsePodNetwork(schema::PodNetwork::Reader from);

// What a pod got; addresses without prefix length, the primary first.
struct Attachment {
  std::vector<std::string> addresses;
  std::string netnsPath;
};

}  // namespace bulkhead::netd
