// A seccomp profile of the administrator's, read by a confined child.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "ipc/packet.h"
#include "ipc/schema/seccomp.capnp.h"

namespace bulkhead {

// Owns the message; `get()` stays valid while it lives.
class LoadedSeccomp {
 public:
  explicit LoadedSeccomp(ipc::Packet packet) : packet_(std::make_unique<ipc::Packet>(std::move(packet))) {}
  [[nodiscard]] schema::SeccompProfile::Reader get() const {
    return packet_->as<schema::SeccompAnswer>().getProfile();
  }

 private:
  std::unique_ptr<ipc::Packet> packet_;
};

// Has LIBRARY/bulkhead-config read `file`, open at its beginning, for a container with these capabilities
// ("CAP_…"). Refuses invalidArgument, naming `field`, with the reader's words; throws std::runtime_error if
// there is no answer.
Outcome<LoadedSeccomp> loadSeccomp(const std::string& library, int file,
                                   const std::vector<std::string>& capabilities, const std::string& field);

}  // namespace bulkhead
