#include "daemons/storaged/verifier/policy.h"

#include <algorithm>
#include <initializer_list>

#include "daemons/common/base/base64.h"
#include "daemons/common/base/log.h"
#include "daemons/storaged/worker/json.h"

namespace bulkhead::verifier {
namespace {

using nlohmann::json;

constexpr size_t shownBytes = 64;

// Leaves this file as a refusal.
struct Broken {
  std::string where;
  std::string reason;
};

std::string shown(const std::string& text) {
  return "'" + log::printable(text, shownBytes) + "'";
}

// One JSON object whose members are all known.
class Members {
 public:
  Members(const json& value, std::string where) : value_(value), where_(std::move(where)) {
    if (!value.is_object()) throw Broken{where_, "is not an object"};
  }

  void allow(std::initializer_list<std::string_view> names) const {
    for (const auto& [key, member] : value_.items()) {
      if (std::find(names.begin(), names.end(), key) == names.end())
        throw Broken{where_, "has the unknown key " + shown(key)};
    }
  }
  [[nodiscard]] bool has(const char* key) const { return value_.contains(key); }
  [[nodiscard]] std::string path(const char* key) const { return where_ + "." + key; }
  [[nodiscard]] const json& at(const char* key) const {
    if (!has(key)) throw Broken{path(key), "is missing"};
    return value_.at(key);
  }
  [[nodiscard]] std::string text(const char* key) const { return textOf(at(key), path(key)); }
  [[nodiscard]] std::vector<std::string> texts(const char* key) const {
    const json& list = at(key);
    if (!list.is_array() || list.empty()) throw Broken{path(key), "is not a list of at least one text"};
    std::vector<std::string> texts;
    for (const json& item : list) texts.push_back(textOf(item, path(key)));
    return texts;
  }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  static std::string textOf(const json& value, const std::string& where) {
    if (!value.is_string()) throw Broken{where, "is not a text"};
    auto text = value.get<std::string>();
    if (text.empty() || text.find('\0') != text.npos) throw Broken{where, "is empty or has a NUL in it"};
    return text;
  }

  const json& value_;
  std::string where_;
};

std::string decoded(const std::string& text, const std::string& where) {
  auto bytes = decodeBase64(text);
  if (!bytes) throw Broken{where, "is not base64"};
  return *std::move(bytes);
}

std::string absolute(std::string path, const std::string& where) {
  if (path.front() != '/') throw Broken{where, "is not an absolute path"};
  return path;
}

// The spellings of one source: NAMEPath, NAMEPaths, NAMEData, NAMEDatas, where `plural` says the lists exist.
struct Spelling {
  const char* path;
  const char* paths;
  const char* data;
  const char* datas;
};
constexpr Spelling gpgKeys{"keyPath", "keyPaths", "keyData", nullptr};
constexpr Spelling sigstoreKeys{"keyPath", "keyPaths", "keyData", "keyDatas"};
constexpr Spelling rekorKeys{"rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData",
                             "rekorPublicKeyDatas"};
constexpr Spelling authorities{"caPath", nullptr, "caData", nullptr};

// Nothing if none of the keys is there.
KeySource keysOf(const Members& members, const Spelling& names) {
  KeySource keys;
  int given = 0;
  auto present = [&](const char* key) {
    bool there = key != nullptr && members.has(key);
    given += there ? 1 : 0;
    return there;
  };
  if (present(names.path)) keys.paths = {members.text(names.path)};
  if (present(names.paths)) keys.paths = members.texts(names.paths);
  if (present(names.data)) keys.data = {members.text(names.data)};
  if (present(names.datas)) keys.data = members.texts(names.datas);
  if (given > 1)
    throw Broken{members.where(), std::string("has more than one of ") + names.path + " and its kin"};
  for (std::string& path : keys.paths) path = absolute(path, members.path(names.path));
  for (std::string& data : keys.data) data = decoded(data, members.path(names.data));
  return keys;
}

ImageName nameOf(const Members& members, const char* key) {
  auto name = ImageName::parse(members.text(key), members.path(key));
  if (!name) throw Broken{members.path(key), "is no image's name"};
  return *std::move(name);
}

// A host, or a host and a path, of whole components.
std::string remapPrefix(const Members& members, const char* key) {
  std::string prefix = members.text(key);
  bool isHost = prefix.find('/') == prefix.npos;
  auto name = ImageName::parse(isHost ? prefix + "/x" : prefix, key);
  bool plain = name && name->isRepository() && name->repository() == prefix + (isHost ? "/x" : "");
  if (!plain) throw Broken{members.path(key), "is not a host, or a host and a repository"};
  return prefix;
}

Identity identityOf(const Members& requirement) {
  if (!requirement.has("signedIdentity")) return {};
  Members members(requirement.at("signedIdentity"), requirement.path("signedIdentity"));
  using Kind = Identity::Kind;
  std::string type = members.text("type");
  Identity identity;
  if (type == "matchExact" || type == "matchRepoDigestOrExact" || type == "matchRepository") {
    members.allow({"type"});
    identity.kind = type == "matchExact"        ? Kind::matchExact
                    : type == "matchRepository" ? Kind::matchRepository
                                                : Kind::matchRepoDigestOrExact;
  } else if (type == "exactReference") {
    members.allow({"type", "dockerReference"});
    identity.kind = Kind::exactReference;
    identity.name = nameOf(members, "dockerReference");
    if (identity.name->isRepository())
      throw Broken{members.path("dockerReference"), "has no tag and no digest"};
  } else if (type == "exactRepository") {
    members.allow({"type", "dockerRepository"});
    identity.kind = Kind::exactRepository;
    identity.name = nameOf(members, "dockerRepository");
  } else if (type == "remapIdentity") {
    members.allow({"type", "prefix", "signedPrefix"});
    identity.kind = Kind::remapIdentity;
    identity.prefix = remapPrefix(members, "prefix");
    identity.signedPrefix = remapPrefix(members, "signedPrefix");
  } else {
    throw Broken{members.path("type"), "is the unknown " + shown(type)};
  }
  return identity;
}

SignedBy signedByOf(const Members& members) {
  members.allow({"type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"});
  std::string keyType = members.text("keyType");
  if (keyType != "GPGKeys") throw Broken{members.path("keyType"), shown(keyType) + " is not supported"};
  SignedBy requirement{keysOf(members, gpgKeys), identityOf(members)};
  if (requirement.keys.empty()) throw Broken{members.where(), "has no key"};
  return requirement;
}

Fulcio fulcioOf(const json& value, const std::string& where) {
  Members members(value, where);
  members.allow({"caPath", "caData", "oidcIssuer", "subjectEmail"});
  Fulcio fulcio{keysOf(members, authorities), members.text("oidcIssuer"), members.text("subjectEmail")};
  if (fulcio.authorities.empty()) throw Broken{where, "has neither caPath nor caData"};
  return fulcio;
}

SigstoreSigned sigstoreSignedOf(const Members& members) {
  if (members.has("pki")) throw Broken{members.path("pki"), "is not supported"};
  members.allow({"type", "keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "rekorPublicKeyPath",
                 "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas", "signedIdentity"});
  SigstoreSigned requirement;
  requirement.keys = keysOf(members, sigstoreKeys);
  requirement.rekor = keysOf(members, rekorKeys);
  requirement.identity = identityOf(members);
  if (members.has("fulcio")) requirement.fulcio = fulcioOf(members.at("fulcio"), members.path("fulcio"));
  if (requirement.keys.empty() == !requirement.fulcio)
    throw Broken{members.where(), "needs either keys or fulcio"};
  // A certificate lives for minutes: only the log says that it was used then.
  if (requirement.fulcio && requirement.rekor.empty())
    throw Broken{members.where(), "needs a rekorPublicKey with fulcio"};
  return requirement;
}

Requirement requirementOf(const json& value, const std::string& where) {
  Members members(value, where);
  std::string type = members.text("type");
  if (type == "signedBy") return signedByOf(members);
  if (type == "sigstoreSigned") return sigstoreSignedOf(members);
  if (type != "insecureAcceptAnything" && type != "reject")
    throw Broken{members.path("type"), shown(type) + " is not supported"};
  members.allow({"type"});
  if (type == "reject") return Reject{};
  return AcceptAnything{};
}

Requirements requirementsOf(const json& value, const std::string& where) {
  if (!value.is_array() || value.empty()) throw Broken{where, "is not a list of at least one requirement"};
  Requirements requirements;
  for (const json& item : value)
    requirements.push_back(requirementOf(item, where + "[" + std::to_string(requirements.size()) + "]"));
  return requirements;
}

std::map<std::string, Requirements> scopesOf(const json& value, const std::string& where) {
  if (!value.is_object()) throw Broken{where, "is not an object"};
  std::map<std::string, Requirements> scopes;
  for (const auto& [scope, requirements] : value.items())
    scopes.emplace(scope, requirementsOf(requirements, where + "[" + shown(scope) + "]"));
  return scopes;
}

Policy policyOf(const json& document) {
  Members members(document, "the policy");
  members.allow({"default", "transports"});
  Policy policy;
  policy.standard = requirementsOf(members.at("default"), "default");
  if (!members.has("transports")) return policy;
  const json& transports = members.at("transports");
  if (!transports.is_object()) throw Broken{"transports", "is not an object"};
  for (const auto& [transport, value] : transports.items()) {
    // The others are no business of ours, but what is broken there was not meant so.
    auto scopes = scopesOf(value, "transports." + log::printable(transport, shownBytes));
    if (transport == "docker") policy.docker = std::move(scopes);
  }
  return policy;
}

bool isPermissive(const Requirements& requirements) {
  return std::all_of(requirements.begin(), requirements.end(), [](const Requirement& requirement) {
    return std::holds_alternative<AcceptAnything>(requirement);
  });
}

}  // namespace

bool Policy::acceptsAnything() const {
  return isPermissive(standard) && std::all_of(docker.begin(), docker.end(),
                                               [](const auto& scope) { return isPermissive(scope.second); });
}

Outcome<Policy> parsePolicy(std::string_view text) {
  auto document = worker::parseObject(text, "");
  if (!document) return refuse(Code::failedPrecondition, "", document.error().reason);
  try {
    return policyOf(*document);
  } catch (const Broken& broken) {
    return refuse(Code::failedPrecondition, "", broken.where + " " + broken.reason);
  }
}

Policy permissivePolicy() {
  return {{AcceptAnything{}}, {}};
}

Rule ruleFor(const Policy& policy, const ImageName& name) {
  for (const std::string& scope : name.scopes()) {
    auto found = policy.docker.find(scope);
    if (found != policy.docker.end()) return {"docker:" + scope, &found->second};
  }
  return {"default", &policy.standard};
}

}  // namespace bulkhead::verifier
