// registries.conf, version 2, and its drop-ins: containers-registries.conf(5), read as containers/image reads
// it. Text to values only; what they mean for a reference is registry-rules and short-names.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace bulkhead::planner {

// "registries.conf:12: …", for root to read.
class ConfError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// `pull-from-mirror`: what a mirror is asked for.
enum class PullFrom { all, digestOnly, tagOnly };

struct Mirror {
  std::string location;  // host[:port][/path]
  bool insecure = false;
  PullFrom pullFrom = PullFrom::all;
};

// One [[registry]].
struct RegistryRule {
  std::string prefix;    // host[:port][/path] or *.domain[:port][/path]
  std::string location;  // the same form without wildcard; empty: no change
  bool insecure = false;
  bool blocked = false;
  std::vector<Mirror> mirrors;
};

enum class ShortNameMode { enforcing, permissive, disabled };

struct RegistriesConf {
  std::vector<RegistryRule> rules;                 // no two with one prefix
  std::optional<std::vector<std::string>> search;  // unqualified-search-registries; nothing: no file says
  ShortNameMode shortNameMode = ShortNameMode::enforcing;
  std::map<std::string, std::string> aliases;  // short name to host/path
};

// Reads one file over `conf`, which keeps what the file does not set: a rule replaces that of the same
// prefix, an alias to "" removes one. `name` is for errors. Throws ConfError: not TOML, version 1, a wrong
// type, an impossible value. A key that nobody knows is passed over, as containers/image does, and logged.
void readRegistriesConf(RegistriesConf& conf, const std::string& name, const std::string& text);

}  // namespace bulkhead::planner
