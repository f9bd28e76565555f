#include "daemons/shim/ceiling/host-path.h"

#include <climits>

namespace bulkhead::ceiling {

Outcome<std::string> parseHostPath(std::string_view text, std::string field) {
  if (text.empty() || text[0] != '/') return invalid(field, "is not an absolute path");
  if (text.size() >= PATH_MAX) return invalid(field, "is too long for a path");
  if (text.find('\0') != text.npos) return invalid(field, "contains a NUL byte");
  std::string path;
  for (size_t from = 1; from <= text.size();) {
    size_t to = std::min(text.find('/', from), text.size());
    std::string_view part = text.substr(from, to - from);
    if (part == "..") return invalid(field, "contains '..'");
    if (!part.empty() && part != ".") path.append("/").append(part);
    from = to + 1;
  }
  return path.empty() ? "/" : path;
}

bool isBeneath(std::string_view path, std::string_view above) {
  if (above == "/" || path == above) return true;
  return path.starts_with(above) && path[above.size()] == '/';
}

}  // namespace bulkhead::ceiling
