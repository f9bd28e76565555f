// Configuration for a daemon, read by a confined child.
#pragma once

#include <memory>

#include "daemons/common/jail/daemon.h"
#include "ipc/packet.h"
#include "ipc/schema/config.capnp.h"

namespace bulkhead {

// Owns the message; `get()` stays valid while it lives.
class LoadedConfig {
 public:
  explicit LoadedConfig(ipc::Packet packet);
  [[nodiscard]] schema::Config::Reader get() const { return config_; }

 private:
  std::unique_ptr<ipc::Packet> packet_;
  schema::Config::Reader config_;
};

// Opens the configuration files (config, its *.d drop-ins, ceiling) with the caller's rights, forks, and has
// the child confine itself as Process::configReader and execute OPTIONS.library/bulkhead-config on them.
// Throws std::runtime_error with the reader's text ("bulkhead.toml:12: unknown key 'x.y'") if the
// configuration is bad. Sets the log level that it asks for. A caller that is not root (under systemd's
// User=) runs the reader as itself.
LoadedConfig loadConfig(const jail::Options& options);

}  // namespace bulkhead
