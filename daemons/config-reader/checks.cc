#include "daemons/config-reader/checks.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "daemons/common/jail/privileges.h"

namespace bulkhead::config {
namespace {

bool isAbsolute(const std::string& path) {
  if (path == "/") return true;
  if (path.empty() || path[0] != '/' || path.back() == '/' || path.find('\0') != std::string::npos)
    return false;
  std::string closed = path + "/";
  for (const char* bad : {"//", "/./", "/../"}) {
    if (closed.find(bad) != std::string::npos) return false;
  }
  return true;
}

std::string withPrefix(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name.starts_with("CAP_") ? name : "CAP_" + name;
}

std::set<std::string> allCapabilityNames() {
  std::set<std::string> names;
  for (int number = 0; !jail::capabilityName(number).empty(); ++number)
    names.emplace(jail::capabilityName(number));
  return names;
}

}  // namespace

const std::string& oneOf(const Setting& setting, std::initializer_list<const char*> words) {
  std::string list;
  for (const char* word : words) {
    if (setting.text() == word) return setting.text();
    list += (list.empty() ? "" : ", ") + std::string(word);
  }
  setting.refuse("must be one of: " + list);
}

const std::string& absolutePath(const Setting& setting) {
  if (!isAbsolute(setting.text())) setting.refuse("must be an absolute path without '..' and final '/'");
  return setting.text();
}

const std::vector<std::string>& absolutePaths(const Setting& setting) {
  for (const std::string& path : setting.texts()) {
    if (!isAbsolute(path))
      setting.refuse("must be absolute paths without '..' and final '/', not '" + path + "'");
  }
  return setting.texts();
}

std::vector<std::string> capabilityNames(const Setting& setting) {
  const std::set<std::string> known = allCapabilityNames();
  std::set<std::string> chosen;
  for (const std::string& name : setting.texts()) {
    if (name == "ALL") {
      chosen = known;
    } else if (known.count(withPrefix(name)) != 0) {
      chosen.insert(withPrefix(name));
    } else {
      setting.refuse("names a capability that there is not: '" + name + "'");
    }
  }
  return {chosen.begin(), chosen.end()};
}

void fill(capnp::List<capnp::Text>::Builder list, const std::vector<std::string>& texts) {
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, texts[i]);
}

}  // namespace bulkhead::config
