#include "daemons/netd/conflist.h"

#include <algorithm>
#include <array>

#include "daemons/common/base/ids.h"

namespace bulkhead::netd {
namespace {

// Lowest first. Before 0.3.0 results had another shape (ip4, ip6).
constexpr std::array<std::string_view, 5> versions{"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};
constexpr size_t mostPlugins = 32;

// -1 if unknown.
int rankOf(std::string_view version) {
  const auto* found = std::find(versions.begin(), versions.end(), version);
  return found == versions.end() ? -1 : static_cast<int>(found - versions.begin());
}

Outcome<std::string> chooseVersion(const Json& document, const std::string& field) {
  std::vector<std::string> offered{stringAt(document, "cniVersion")};
  if (auto list = document.find("cniVersions"); list != document.end() && list->is_array()) {
    for (const Json& entry : *list) offered.push_back(entry.is_string() ? entry.get<std::string>() : "");
  }
  std::string best = *std::max_element(offered.begin(), offered.end(),
                                       [](const auto& a, const auto& b) { return rankOf(a) < rankOf(b); });
  if (rankOf(best) < 0) return invalid(field, "cniVersion is missing or not one of 0.3.0 to 1.1.0");
  return best;
}

// libcni takes the word for the value (github.com/containernetworking/cni, libcni/conf.go).
bool flagAt(const Json& document, const char* key) {
  auto found = document.find(key);
  if (found == document.end()) return false;
  return found->is_boolean() ? found->get<bool>() : stringAt(document, key) == "true";
}

Outcome<Plugin> parsePlugin(const Json& config, const std::string& field) {
  if (!config.is_object()) return invalid(field, "a plugin is not a JSON object");
  Plugin plugin{stringAt(config, "type"), config};
  if (!isPlainName(plugin.type)) return invalid(field, "a plugin's type is missing or not a plain name");
  if (auto ipam = config.find("ipam"); ipam != config.end()) {
    if (!ipam->is_object()) return invalid(field, "ipam is not a JSON object");
    if (ipam->contains("type") && !isPlainName(stringAt(*ipam, "type"))) {
      return invalid(field, "ipam.type is not a plain name");
    }
  }
  return plugin;
}

Outcome<std::vector<Plugin>> parsePlugins(const Json& list, const std::string& field) {
  if (!list.is_array() || list.empty())
    return invalid(field, "plugins is not a list with at least one entry");
  if (list.size() > mostPlugins)
    return invalid(field, "has more than " + std::to_string(mostPlugins) + " plugins");
  std::vector<Plugin> plugins;
  for (const Json& config : list) {
    auto plugin = parsePlugin(config, field);
    if (!plugin) return tl::unexpected(plugin.error());
    plugins.push_back(std::move(*plugin));
  }
  return plugins;
}

}  // namespace

bool Plugin::declares(const char* capability) const {
  auto capabilities = config.find("capabilities");
  if (capabilities == config.end() || !capabilities->is_object()) return false;
  auto found = capabilities->find(capability);
  return found != capabilities->end() && found->is_boolean() && found->get<bool>();
}

bool Conflist::speaks(std::string_view least) const {
  return rankOf(version) >= rankOf(least);
}

std::vector<std::string> Conflist::executables() const {
  std::vector<std::string> names;
  for (const Plugin& plugin : plugins) {
    names.push_back(plugin.type);
    auto ipam = plugin.config.find("ipam");
    if (ipam == plugin.config.end()) continue;
    if (std::string delegate = stringAt(*ipam, "type"); !delegate.empty()) names.push_back(delegate);
  }
  return names;
}

Json Conflist::document() const {
  Json list = Json::array();
  for (const Plugin& plugin : plugins) list.push_back(plugin.config);
  Json document{{"cniVersion", version}, {"name", name}, {"plugins", std::move(list)}};
  if (disableCheck) document["disableCheck"] = true;
  if (disableGc) document["disableGC"] = true;
  return document;
}

Outcome<Conflist> parseConflist(std::string_view text, const std::string& field) {
  auto document = parseObject(text, field);
  if (!document) return tl::unexpected(document.error());
  Conflist conflist;
  conflist.name = stringAt(*document, "name");
  if (!isPlainName(conflist.name)) return invalid(field, "name is missing or not a plain name");
  auto version = chooseVersion(*document, field);
  if (!version) return tl::unexpected(version.error());
  conflist.version = std::move(*version);
  conflist.disableCheck = flagAt(*document, "disableCheck");
  conflist.disableGc = flagAt(*document, "disableGC");
  bool isList = document->contains("plugins");
  auto plugins = parsePlugins(isList ? (*document)["plugins"] : Json::array({*document}), field);
  if (!plugins) return tl::unexpected(plugins.error());
  conflist.plugins = std::move(*plugins);
  return conflist;
}

}  // namespace bulkhead::netd
