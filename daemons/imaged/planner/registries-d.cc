#include "daemons/imaged/planner/registries-d.h"

#include <yaml-cpp/yaml.h>

#include "daemons/common/base/image-scopes.h"
#include "daemons/common/base/log.h"
#include "daemons/imaged/planner/registries-conf.h"

namespace bulkhead::planner {
namespace {

class File {
 public:
  File(RegistriesD& conf, const std::string& name) : conf_(conf), name_(name) {}

  void read(const std::string& text) {
    YAML::Node root = parse(text);
    if (root.IsNull()) return;
    for (const auto& [key, value] : mapOf(root)) {
      if (key == "default-docker") {
        if (conf_.standard) refuse(value, "'default-docker' is there twice, or in another file too");
        conf_.standard = sectionOf(value);
      } else if (key == "docker") {
        for (const auto& [scope, section] : mapOf(value)) {
          if (!conf_.docker.emplace(scope, sectionOf(section)).second)
            refuse(section, "'" + scope + "' is in another file too");
        }
      } else {
        pass(key, value);
      }
    }
  }

 private:
  [[noreturn]] void refuse(const YAML::Node& value, const std::string& why) const {
    throw ConfError(name_ + ":" + std::to_string(value.Mark().line + 1) + ": " + why);
  }

  void pass(const std::string& key, const YAML::Node& value) const {
    log::warning(
        "registries.d: an unknown key is passed over",
        {{"file", name_}, {"line", std::to_string(value.Mark().line + 1)}, {"key", log::printable(key, 64)}});
  }

  YAML::Node parse(const std::string& text) const {
    try {
      return YAML::Load(text);
    } catch (const YAML::Exception& error) {
      throw ConfError(name_ + ":" + std::to_string(error.mark.line + 1) + ": is not YAML: " + error.msg);
    }
  }

  [[nodiscard]] std::map<std::string, YAML::Node> mapOf(const YAML::Node& node) const {
    if (!node.IsMap()) refuse(node, "must be a map");
    std::map<std::string, YAML::Node> members;
    for (const auto& member : node) {
      if (!member.first.IsScalar()) refuse(member.first, "a key must be a string");
      if (!members.emplace(member.first.Scalar(), member.second).second)
        refuse(member.first, "'" + member.first.Scalar() + "' is there twice");
    }
    return members;
  }

  [[nodiscard]] const std::string& textOf(const YAML::Node& value, const std::string& key) const {
    if (!value.IsScalar()) refuse(value, "'" + key + "' must be a string");
    return value.Scalar();
  }

  [[nodiscard]] bool flagOf(const YAML::Node& value, const std::string& key) const {
    bool flag = false;
    if (!value.IsScalar() || !YAML::convert<bool>::decode(value, flag))
      refuse(value, "'" + key + "' must be true or false");
    return flag;
  }

  // The image's path is put behind it.
  [[nodiscard]] std::string storeOf(const YAML::Node& value, const std::string& key) const {
    std::string url = textOf(value, key);
    bool known = url.starts_with("https://") || url.starts_with("http://") || url.starts_with("file://");
    if (!known || url.find_first_of("?#") != url.npos)
      refuse(value, "'" + key + "' must be an http, https or file URL without query");
    while (url.ends_with('/')) url.pop_back();
    return url;
  }

  [[nodiscard]] StoresSection sectionOf(const YAML::Node& node) const {
    StoresSection section;
    std::string formerly;  // the older name of the same
    for (const auto& [key, value] : mapOf(node)) {
      if (key == "lookaside") {
        section.lookaside = storeOf(value, key);
      } else if (key == "sigstore") {
        formerly = storeOf(value, key);
      } else if (key == "use-sigstore-attachments") {
        section.attachments = flagOf(value, key);
      } else if (key != "lookaside-staging" && key != "sigstore-staging") {  // those are for writing
        pass(key, value);
      }
    }
    if (section.lookaside.empty()) section.lookaside = formerly;
    return section;
  }

  RegistriesD& conf_;
  const std::string& name_;
};

}  // namespace

void readRegistriesD(RegistriesD& conf, const std::string& name, const std::string& text) {
  try {
    File(conf, name).read(text);
  } catch (const YAML::Exception&) {
    throw ConfError(name + ": is not as registries.d has to be");
  }
}

SignatureStores storesOf(const RegistriesD& conf, const std::string& repository, const std::string& suffix) {
  SignatureStores stores;
  std::optional<bool> attachments;
  auto consider = [&](const StoresSection& section) {
    if (stores.lookaside.empty()) stores.lookaside = section.lookaside;
    if (!attachments) attachments = section.attachments;
  };
  for (const std::string& scope : scopesOf(repository, suffix)) {
    auto found = conf.docker.find(scope);
    if (found != conf.docker.end()) consider(found->second);
  }
  if (conf.standard) consider(*conf.standard);
  stores.attachments = attachments.value_or(true);
  return stores;
}

}  // namespace bulkhead::planner
