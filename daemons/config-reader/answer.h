// From settings to the typed configuration: every value checked for what it means.
#pragma once

#include "daemons/config-reader/accounts.h"
#include "daemons/config-reader/settings.h"
#include "ipc/schema/config.capnp.h"

namespace bulkhead::config {

// Everything but the ceiling. Throws ConfigError.
void writeConfig(const Settings& settings, const Accounts& accounts, schema::Config::Builder config);

// `settings` are those of ceilingKeys(), already with the profile applied (readCeiling). Throws ConfigError.
void writeCeiling(const Settings& settings, schema::Ceiling::Builder ceiling);

// A file's name, as errors show it, and its text.
struct File {
  std::string name;
  std::string text;
};

// Reads bulkhead.toml and its drop-ins, in this order; adds the default runtimes if none is set.
Settings readBulkhead(const std::vector<File>& files);
// Reads ceiling.toml and its drop-ins over the profile that they choose.
Settings readCeiling(const std::vector<File>& files);

}  // namespace bulkhead::config
