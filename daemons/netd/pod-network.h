// What a pod asks of the network, checked once at the door.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemons/common/base/ids.h"
#include "ipc/schema/network.capnp.h"

namespace bulkhead::netd {

struct PortMapping {
  std::string protocol;  // "tcp", "udp", "sctp"
  std::uint16_t containerPort = 0;
  std::uint16_t hostPort = 0;
  std::string hostIp;  // empty: all addresses
};

struct PodNetwork {
  PodId id;
  std::string name;
  std::string nameSpace;
  std::string uid;
  std::vector<PortMapping> portMappings;  // those with a host port
};

// Refuses (invalidArgument) a bad id, texts that are not plain names (they go into CNI_ARGS and, as UTF-8,
// into the record), and bad ports, protocols and addresses. Mappings without a host port ask for nothing and
// are left out.
Outcome<PodNetwork> parsePodNetwork(schema::PodNetwork::Reader from);

// What a pod got; addresses without prefix length, the primary first.
struct Attachment {
  std::vector<std::string> addresses;
  std::string netnsPath;
};

}  // namespace bulkhead::netd
