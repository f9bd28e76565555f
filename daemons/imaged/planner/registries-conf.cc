#include "daemons/imaged/planner/registries-conf.h"

#include <algorithm>
#include <sstream>
#include <toml.hpp>

#include "daemons/common/base/image-ref.h"
#include "daemons/common/base/log.h"

namespace bulkhead::planner {
namespace {

using Toml = toml::basic_value<toml::discard_comments, std::map, std::vector>;

// Far beyond what a person writes; a search through more is a mistake.
constexpr size_t mostRules = 4096;
constexpr size_t mostSearched = 16;

// Where a rule or mirror leads: containers/image's parseLocation, and what makes a name with any path behind
// it.
bool isLocation(const std::string& text) {
  // Two components, so that Docker Hub's "library/" is not put in between.
  std::string sample = text + "/some/image";
  auto parsed = ImageReference::parse(sample, "");
  return parsed && parsed->name() == sample;
}

class File {
 public:
  File(RegistriesConf& conf, const std::string& name) : conf_(conf), name_(name) {}

  void read(const std::string& text) {
    Toml root = parse(text);
    for (const auto& [key, value] : root.as_table()) {
      if (key == "unqualified-search-registries") {
        conf_.search = searchOf(value);
      } else if (key == "short-name-mode") {
        conf_.shortNameMode = modeOf(value);
      } else if (key == "registry") {
        readRules(value);
      } else if (key == "aliases") {
        readAliases(value);
      } else if (key == "registries") {
        refuse(value,
               "[registries] is version 1 of this file, which is not read: use [[registry]] of version 2");
      } else if (key == "credential-helpers") {
        noteHelpers(value);
      } else {
        pass(key, value);
      }
    }
  }

 private:
  [[noreturn]] void refuse(const Toml& value, const std::string& why) const {
    throw ConfError(name_ + ":" + std::to_string(value.location().line()) + ": " + why);
  }

  void pass(const std::string& key, const Toml& value) const {
    log::warning("registries.conf: an unknown key is passed over",
                 {{"file", name_}, {"line", std::to_string(value.location().line())}, {"key", key}});
  }

  Toml parse(const std::string& text) const {
    std::istringstream stream(text);
    try {
      return toml::parse<toml::discard_comments, std::map, std::vector>(stream, name_);
    } catch (const toml::exception& error) {
      // toml11 draws the line beneath its first one, and a line may hold anything.
      std::string what = error.what();
      constexpr std::string_view label = "[error] ";
      if (what.starts_with(label)) what.erase(0, label.size());
      throw ConfError(name_ + ":" + std::to_string(error.location().line()) + ": " +
                      what.substr(0, what.find('\n')));
    } catch (const std::exception&) {
      throw ConfError(name_ + ": is not TOML");
    }
  }

  const std::string& textOf(const Toml& value, const std::string& key) const {
    if (!value.is_string()) refuse(value, "'" + key + "' must be a string");
    return value.as_string().str;
  }

  bool flagOf(const Toml& value, const std::string& key) const {
    if (!value.is_boolean()) refuse(value, "'" + key + "' must be true or false");
    return value.as_boolean();
  }

  std::string locationOf(const Toml& value, const std::string& key) const {
    std::string text = textOf(value, key);
    while (text.ends_with('/')) text.pop_back();
    if (!isLocation(text)) refuse(value, "'" + key + "' is not host[:port][/path]");
    return text;
  }

  // "*.example.com" is a domain with its port and path, and no other asterisk.
  std::string prefixOf(const Toml& value) const {
    std::string text = textOf(value, "prefix");
    if (!text.starts_with("*.")) return locationOf(value, "prefix");
    while (text.ends_with('/')) text.pop_back();
    if (!isLocation(text.substr(2))) refuse(value, "'prefix' is not *.domain[:port][/path]");
    return text;
  }

  PullFrom pullFromOf(const Toml& value) const {
    const std::string& text = textOf(value, "pull-from-mirror");
    if (text == "all" || text.empty()) return PullFrom::all;
    if (text == "digest-only") return PullFrom::digestOnly;
    if (text == "tag-only") return PullFrom::tagOnly;
    refuse(value, "'pull-from-mirror' must be one of: all, digest-only, tag-only");
  }

  ShortNameMode modeOf(const Toml& value) const {
    const std::string& text = textOf(value, "short-name-mode");
    if (text == "enforcing" || text.empty()) return ShortNameMode::enforcing;
    if (text == "permissive") return ShortNameMode::permissive;
    if (text == "disabled") return ShortNameMode::disabled;
    refuse(value, "'short-name-mode' must be one of: enforcing, permissive, disabled");
  }

  std::vector<std::string> searchOf(const Toml& value) const {
    const std::string key = "unqualified-search-registries";
    if (!value.is_array()) refuse(value, "'" + key + "' must be a list of strings");
    std::vector<std::string> hosts;
    for (const Toml& item : value.as_array()) hosts.push_back(locationOf(item, key));
    if (hosts.size() > mostSearched) refuse(value, "'" + key + "' has more than 16 entries");
    return hosts;
  }

  void noteHelpers(const Toml& value) const {
    if (!value.is_array()) refuse(value, "'credential-helpers' must be a list of strings");
    for (const Toml& item : value.as_array()) {
      if (textOf(item, "credential-helpers") == "containers-auth.json") continue;
      log::warning("registries.conf: credential helpers are programs, and are not run", {{"file", name_}});
    }
  }

  void readAliases(const Toml& value) {
    if (!value.is_table()) refuse(value, "'aliases' must be a table");
    for (const auto& [alias, target] : value.as_table()) {
      const std::string& full = textOf(target, alias);
      if (full.empty()) {
        conf_.aliases.erase(alias);
        continue;
      }
      auto parsed = ImageReference::parse(full, "");
      if (!parsed || parsed->name() != full)
        refuse(target, "alias '" + alias + "' does not lead to host/path");
      conf_.aliases[alias] = full;
    }
  }

  void readRules(const Toml& value) {
    if (!value.is_array()) refuse(value, "'registry' must be a list of tables: [[registry]]");
    std::vector<std::string> here;
    for (const Toml& item : value.as_array()) {
      if (!item.is_table()) refuse(item, "'registry' must be a list of tables: [[registry]]");
      RegistryRule rule = ruleOf(item);
      if (std::find(here.begin(), here.end(), rule.prefix) != here.end())
        refuse(item, "there are two registries with the prefix '" + rule.prefix + "'");
      here.push_back(rule.prefix);
      replace(std::move(rule));
    }
    if (conf_.rules.size() > mostRules) refuse(value, "there are more than 4096 registries");
  }

  void replace(RegistryRule rule) {
    auto same = [&rule](const RegistryRule& other) { return other.prefix == rule.prefix; };
    auto found = std::find_if(conf_.rules.begin(), conf_.rules.end(), same);
    if (found != conf_.rules.end()) conf_.rules.erase(found);
    conf_.rules.push_back(std::move(rule));
  }

  RegistryRule ruleOf(const Toml& item) const {
    RegistryRule rule;
    bool byDigestOnly = false;
    for (const auto& [key, value] : item.as_table()) {
      if (key == "prefix") {
        if (!textOf(value, key).empty()) rule.prefix = prefixOf(value);
      } else if (key == "location") {
        if (!textOf(value, key).empty()) rule.location = locationOf(value, key);
      } else if (key == "insecure") {
        rule.insecure = flagOf(value, key);
      } else if (key == "blocked") {
        rule.blocked = flagOf(value, key);
      } else if (key == "mirror-by-digest-only") {
        byDigestOnly = flagOf(value, key);
      } else if (key == "mirror") {
        rule.mirrors = mirrorsOf(value);
      } else if (key == "pull-from-mirror") {
        refuse(value, "'pull-from-mirror' belongs into [[registry.mirror]]");
      } else {
        pass(key, value);
      }
    }
    if (rule.prefix.empty()) rule.prefix = rule.location;
    if (rule.prefix.empty()) refuse(item, "a registry needs 'location' or 'prefix'");
    if (rule.location.empty() && !rule.prefix.starts_with("*.")) refuse(item, "a registry needs 'location'");
    if (byDigestOnly) restrictToDigests(rule, item);
    return rule;
  }

  void restrictToDigests(RegistryRule& rule, const Toml& item) const {
    for (Mirror& mirror : rule.mirrors) {
      if (mirror.pullFrom != PullFrom::all)
        refuse(item, "'mirror-by-digest-only' and a mirror's 'pull-from-mirror' contradict each other");
      mirror.pullFrom = PullFrom::digestOnly;
    }
  }

  std::vector<Mirror> mirrorsOf(const Toml& value) const {
    if (!value.is_array()) refuse(value, "'mirror' must be a list of tables: [[registry.mirror]]");
    std::vector<Mirror> mirrors;
    for (const Toml& item : value.as_array()) {
      if (!item.is_table()) refuse(item, "'mirror' must be a list of tables: [[registry.mirror]]");
      mirrors.push_back(mirrorOf(item));
    }
    return mirrors;
  }

  Mirror mirrorOf(const Toml& item) const {
    Mirror mirror;
    for (const auto& [key, value] : item.as_table()) {
      if (key == "location") {
        mirror.location = locationOf(value, key);
      } else if (key == "insecure") {
        mirror.insecure = flagOf(value, key);
      } else if (key == "pull-from-mirror") {
        mirror.pullFrom = pullFromOf(value);
      } else {
        pass(key, value);
      }
    }
    if (mirror.location.empty()) refuse(item, "a mirror needs 'location'");
    return mirror;
  }

  RegistriesConf& conf_;
  const std::string& name_;
};

}  // namespace

void readRegistriesConf(RegistriesConf& conf, const std::string& name, const std::string& text) {
  File(conf, name).read(text);
}

}  // namespace bulkhead::planner
