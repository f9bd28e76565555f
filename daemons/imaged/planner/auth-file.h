// Credentials by registry: auth.json, containers-auth.json(5), which is also what `docker login` writes.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead::planner {

struct AuthEntry {
  std::string auth;           // base64 of "username:password", as it stands there
  std::string identityToken;  // an OAuth 2 refresh token
};

class AuthFile {
 public:
  // Refuses failedPrecondition, naming `name` and nothing of the text, what is not JSON of that form. Helper
  // programs that it names are logged and not run.
  static Outcome<AuthFile> parse(const std::string& name, const std::string& text);

  // For `place`, "host[:port]/path": the entry of the longest key that it begins with by whole components.
  // Keys of hosts may be spelled as URLs, as `docker login` does; Docker Hub goes by all its names.
  [[nodiscard]] std::optional<AuthEntry> entryFor(const std::string& place) const;

 private:
  std::map<std::string, AuthEntry> exact_;   // by "host/path" and "host"
  std::map<std::string, AuthEntry> legacy_;  // by the host of a URL
};

}  // namespace bulkhead::planner
