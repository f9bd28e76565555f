#include "daemons/cri-frontend/translate/pinned-images.h"

#include <algorithm>

namespace bulkhead::cri {
namespace {

// Image names are ASCII.
std::string lowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

}  // namespace

PinnedImages::PinnedImages(const std::vector<std::string>& patterns) {
  for (const std::string& text : patterns) {
    std::string_view inner = text;
    auto kind = Pattern::Kind::exact;
    if (inner.ends_with('*')) {
      inner.remove_suffix(1);
      kind = Pattern::Kind::begins;
      if (inner.starts_with('*')) kind = Pattern::Kind::contains;
      if (inner.starts_with('*')) inner.remove_prefix(1);
    }
    patterns_.push_back({kind, lowerCase(inner)});
  }
}

bool PinnedImages::match(std::string_view name) const {
  std::string lower = lowerCase(name);
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
    if (pattern.kind == Pattern::Kind::exact) return lower == pattern.text;
    size_t found = lower.find(pattern.text);
    return pattern.kind == Pattern::Kind::begins ? found == 0 : found != std::string::npos;
  });
}

bool PinnedImages::matchAny(const std::vector<std::string>& names) const {
  return std::any_of(names.begin(), names.end(), [this](const std::string& name) { return match(name); });
}

}  // namespace bulkhead::cri
