// Which capabilities a container's process gets.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

// The default set, plus what is added, minus what is dropped; "ALL" in either list; all for a privileged
// container. Names with or without "CAP_", in any case; answers "CAP_…". `field` is that of the Capability
// message. The rule on both lists is the peers': with "ALL" added, single drops still count, and the other
// way round.
//
// `ambient`: what a user other than root keeps, too (CVE-2018-1000400: nothing unless it is asked for).
// Adding there adds; what is dropped is not kept.
struct Capabilities {
  std::vector<std::string> all;
  std::vector<std::string> ambient;
};
Outcome<Capabilities> capabilitiesOf(const ::runtime::v1::Capability& asked, bool privileged,
                                     const std::string& field);

}  // namespace bulkhead::cri
