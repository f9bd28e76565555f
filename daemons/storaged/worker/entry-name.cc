#include "daemons/storaged/worker/entry-name.h"

#include "daemons/common/base/log.h"

namespace bulkhead::worker {
namespace {

constexpr size_t longestPath = 4095;      // PATH_MAX with its NUL
constexpr size_t longestComponent = 255;  // NAME_MAX
constexpr size_t deepest = 256;
constexpr size_t shownBytes = 128;
constexpr std::string_view whiteoutPrefix = ".wh.";
constexpr std::string_view metadataPrefix = ".wh..wh.";
constexpr std::string_view opaqueName = ".wh..wh..opq";

}  // namespace

std::string fieldOf(std::string_view rawName) {
  return "entry '" + log::printable(rawName, shownBytes) + "'";
}

Outcome<EntryName> EntryName::parse(std::string_view raw) {
  if (raw.empty()) return invalid("entry", "has no name");
  if (raw.size() > longestPath) return invalid(fieldOf(raw), "has a name that is too long");
  if (raw.find('\0') != raw.npos) return invalid(fieldOf(raw), "has a NUL in its name");
  EntryName name;
  while (!raw.empty()) {
    size_t end = std::min(raw.find('/'), raw.size());
    std::string_view component = raw.substr(0, end);
    if (component == "..") return invalid(fieldOf(raw), "climbs with '..'");
    if (component.size() > longestComponent) return invalid(fieldOf(raw), "has a name that is too long");
    if (!component.empty() && component != ".") name.components_.emplace_back(component);
    if (name.components_.size() > deepest) return invalid("entry", "lies too deep");
    raw.remove_prefix(std::min(end + 1, raw.size()));
  }
  return name;
}

std::string EntryName::parent() const {
  std::string path;
  for (size_t i = 0; i + 1 < components_.size(); ++i) path += (i == 0 ? "" : "/") + components_[i];
  return path.empty() ? "." : path;
}

NameKind kindOf(std::string_view last) {
  if (last == opaqueName) return NameKind::opaque;
  if (last.starts_with(metadataPrefix)) return NameKind::ignored;
  return last.starts_with(whiteoutPrefix) ? NameKind::whiteout : NameKind::file;
}

std::string whiteoutTarget(std::string_view last) {
  std::string_view target = last.substr(whiteoutPrefix.size());
  return target == "." || target == ".." ? "" : std::string(target);
}

}  // namespace bulkhead::worker
