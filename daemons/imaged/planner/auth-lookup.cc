#include "daemons/imaged/planner/auth-lookup.h"

#include <algorithm>

#include "daemons/common/base/digest-stream.h"
#include "daemons/imaged/planner/root-files.h"

namespace bulkhead::planner {
namespace {

// RFC 1123: what Kubernetes calls a namespace. It becomes part of a path.
bool isNamespace(const std::string& name) {
  auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), good);
}

// Adds the entries of one file for the places that have none yet.
Outcome<void> addFrom(const std::string& path, const std::vector<std::string>& places,
                      std::vector<AuthEntry>& entries) {
  auto text = readFile(path, Owner::anyone);
  if (!text) return {};
  auto file = AuthFile::parse(path, *text);
  std::fill(text->begin(), text->end(), '\0');
  if (!file) return tl::unexpected(file.error());
  for (size_t i = 0; i < places.size(); ++i) {
    bool has = !entries[i].auth.empty() || !entries[i].identityToken.empty();
    auto found = has ? std::nullopt : file->entryFor(places[i]);
    if (found) entries[i] = *found;
  }
  return {};
}

}  // namespace

Outcome<std::string> namespacedName(const std::string& podNamespace, const std::string& image) {
  if (!isNamespace(podNamespace)) return invalid("sandbox_config.metadata.namespace", "is no DNS label");
  return podNamespace + "-" + digestOf(image).hex() + ".json";
}

Outcome<std::vector<AuthEntry>> credentialsFor(const AuthPlaces& files, const std::string& podNamespace,
                                               const std::string& image,
                                               const std::vector<std::string>& places) {
  std::vector<AuthEntry> entries(places.size());
  if (!files.namespacedDirectory.empty() && !podNamespace.empty()) {
    auto name = namespacedName(podNamespace, image);
    if (!name) return tl::unexpected(name.error());
    auto added = addFrom(files.namespacedDirectory + "/" + *name, places, entries);
    if (!added) return tl::unexpected(added.error());
  }
  if (!files.globalFile.empty()) {
    auto added = addFrom(files.globalFile, places, entries);
    if (!added) return tl::unexpected(added.error());
  }
  return entries;
}

}  // namespace bulkhead::planner
