#include "daemons/imaged/planner/auth-file.h"

#include <nlohmann/json.hpp>

#include "daemons/common/base/image-scopes.h"
#include "daemons/common/base/log.h"

namespace bulkhead::planner {
namespace {

using Json = nlohmann::json;

constexpr int deepest = 16;

std::string text(const Json& json, const char* name) {
  auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The host of "https://index.docker.io/v1/", "host:5000/v2/".
std::string hostOf(std::string key) {
  if (size_t scheme = key.find("://"); scheme != key.npos) key.erase(0, scheme + 3);
  return canonicalName(key.substr(0, key.find('/')));
}

bool isUrl(const std::string& key) {
  return key.find("://") != key.npos || key.ends_with("/v1/") || key.ends_with("/v2/");
}

bool namesHelpers(const Json& json) {
  auto helpers = json.find("credHelpers");
  return !text(json, "credsStore").empty() ||
         (helpers != json.end() && helpers->is_object() && !helpers->empty());
}

}  // namespace

Outcome<AuthFile> AuthFile::parse(const std::string& name, const std::string& text) {
  auto keep = [](int depth, Json::parse_event_t, Json&) { return depth <= deepest; };
  Json json = Json::parse(text, keep, false);
  if (!json.is_object()) return refuse(Code::failedPrecondition, "", name + ": is not a JSON object");
  if (namesHelpers(json))
    log::warning("auth file: credential helpers are programs, and are not run", {{"file", name}});
  AuthFile file;
  auto auths = json.find("auths");
  if (auths == json.end() || auths->is_null()) return file;
  if (!auths->is_object()) return refuse(Code::failedPrecondition, "", name + ": 'auths' is not an object");
  for (const auto& [key, value] : auths->items()) {
    if (!value.is_object()) return refuse(Code::failedPrecondition, "", name + ": an entry is not an object");
    AuthEntry entry{planner::text(value, "auth"), planner::text(value, "identitytoken")};
    if (entry.auth.empty() && entry.identityToken.empty()) continue;
    if (isUrl(key)) {
      file.legacy_.emplace(hostOf(key), std::move(entry));
    } else {
      file.exact_.emplace(canonicalName(key), std::move(entry));
    }
  }
  return file;
}

std::optional<AuthEntry> AuthFile::entryFor(const std::string& place) const {
  for (std::string key = canonicalName(place); !key.empty();) {
    if (auto found = exact_.find(key); found != exact_.end()) return found->second;
    size_t slash = key.rfind('/');
    key.resize(slash == key.npos ? 0 : slash);
  }
  auto found = legacy_.find(hostOf(place));
  return found == legacy_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace bulkhead::planner
