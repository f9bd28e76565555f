#include "daemons/imaged/planner/short-names.h"

namespace bulkhead::planner {
namespace {

// "name", and ":tag@digest" behind it.
std::pair<std::string, std::string> split(const std::string& text) {
  size_t slash = text.rfind('/', text.find('@'));
  size_t end = std::min(text.find_first_of(":@", slash == text.npos ? 0 : slash), text.size());
  return {text.substr(0, end), text.substr(end)};
}

Outcome<std::vector<ImageReference>> only(const std::string& text) {
  return ImageReference::parse(text, "image").map([](ImageReference&& reference) {
    return std::vector<ImageReference>{std::move(reference)};
  });
}

}  // namespace

bool isShortName(const std::string& text) {
  size_t slash = text.find('/');
  if (slash == text.npos) return true;
  std::string first = text.substr(0, slash);
  return first != "localhost" && first.find_first_of(".:[") == first.npos;
}

Outcome<std::vector<ImageReference>> meaningsOf(const std::string& text, const RegistriesConf& conf) {
  auto asked = ImageReference::parse(text, "image");
  if (!asked) return tl::unexpected(asked.error());
  if (!isShortName(text)) return std::vector<ImageReference>{*asked};

  auto [name, suffix] = split(text);
  auto alias = conf.aliases.find(name);
  if (alias != conf.aliases.end()) return only(alias->second + suffix);
  if (!conf.search) return std::vector<ImageReference>{*asked};
  if (conf.search->empty()) {
    return refuse(Code::failedPrecondition, "image",
                  "is a short name, without alias, and unqualified-search-registries is empty");
  }
  if (conf.search->size() > 1 && conf.shortNameMode != ShortNameMode::disabled) {
    return refuse(Code::failedPrecondition, "image",
                  "is an ambiguous short name: several unqualified-search-registries may have it, and "
                  "short-name-mode is not 'disabled'");
  }
  std::vector<ImageReference> meanings;
  for (const std::string& registry : *conf.search) {
    auto full = ImageReference::parse(registry + "/" + text, "image");
    if (!full) return tl::unexpected(full.error());
    meanings.push_back(std::move(*full));
  }
  return meanings;
}

}  // namespace bulkhead::planner
