// Instance: which Bulkhead a command is about. Everything follows from its root directory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/layout.h"

namespace bulkhead::cli {

struct Instance {
  std::string root;  // empty: the packaged places
  Layout layout;
  std::string library;  // where the daemons' programs are

  // `root` and `library` as given on the command line, empty where absent; both are made absolute. The
  // default library is the directory of the running bulkheadctl.
  static Outcome<Instance> at(const std::string& root, const std::string& library);

  // "bulkhead-1a2b3c4d", from a hash of the root: names this instance's control group.
  [[nodiscard]] std::string tag() const;
};

// Numbers of the accounts that the daemons run with: Identities of ipc/schema/config.capnp as plain values.
struct Account {
  unsigned uid = 0;
  unsigned gid = 0;
  bool operator==(const Account&) const = default;
};
struct Accounts {
  Account cri, image, storage, net, reader;
  unsigned shimBase = 0;  // shims: one uid (and the same gid) per pod, from here
  unsigned shimCount = 0;
  unsigned socketGid = 0;  // group of the CRI socket

  [[nodiscard]] Account of(Owner owner) const;
};

// Where something listens.
struct Place {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any that is free
};

// What `up`, `audit` and `doctor` need of the configuration.
struct Settings {
  Accounts accounts;
  Place streaming;  // exec and attach
  std::string ceilingProfile;
  std::vector<std::string> pluginCapabilities;  // the CNI runner's: "CAP_NET_ADMIN", …
  std::string defaultRuntimePath;               // program of the default handler
  bool hasFallbackRuntime = false;              // one other than the default is configured
  std::string globalAuthFile;                   // empty: none
  std::string namespacedAuthDirectory;          // empty: none
};

// Reads and validates it as every daemon will, through the confined reader. Throws std::runtime_error with
// the reader's text ("bulkhead.toml:12: unknown key 'x.y'").
Settings loadSettings(const Instance& instance, const std::string& config, const std::string& ceiling);

inline constexpr const char* defaultConfigFile = "/etc/bulkhead/bulkhead.toml";

// The files an instance was started with; empty where the default holds.
struct StartFiles {
  std::string config;
  std::string ceiling;
  std::string library;
};

// The ceiling that an instance runs under: `given`; else ceiling.toml beside an explicitly given
// configuration, if there is one; else, for an instance with its own root, run/ceiling.toml, which `up`
// makes; else the one beside the default configuration, there or not.
std::string ceilingFileOf(const Instance& instance, const std::string& config, const std::string& given);

// `up` leaves a note of its files in run/, root's own directory, so that other commands need only --root.
void saveStartFiles(const Instance& instance, const StartFiles& files);
StartFiles savedStartFiles(const Instance& instance);

// `path` without ".", ".." and doubled or trailing slashes, beginning at "/".
std::string absolutePath(const std::string& path);

}  // namespace bulkhead::cli
