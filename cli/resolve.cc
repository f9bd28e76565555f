#include "cli/resolve.h"

#include <algorithm>
#include <functional>

namespace bulkhead::cli {
namespace {

// Enough to tell thousands of ids apart by eye.
constexpr size_t shortId = 13;

tl::unexpected<Refusal> ambiguous(const std::string& text, const std::vector<Named>& fitting) {
  std::string ids;
  for (const Named& named : fitting) ids += (ids.empty() ? "" : ", ") + named.id.substr(0, shortId);
  return refuse(Code::invalidArgument, "", "'" + text + "' is ambiguous: " + ids);
}

}  // namespace

Outcome<Named> resolve(const std::string& text, const std::vector<Named>& all, const std::string& what) {
  if (text.empty()) return refuse(Code::invalidArgument, "", "an empty " + what + " name");
  const std::function<bool(const Named&)> ways[] = {
      [&](const Named& named) { return named.id == text; },
      [&](const Named& named) { return named.name == text || named.longName == text; },
      [&](const Named& named) { return named.id.starts_with(text); },
  };
  for (const auto& fits : ways) {
    std::vector<Named> fitting;
    std::ranges::copy_if(all, std::back_inserter(fitting), fits);
    if (fitting.size() > 1) return ambiguous(text, fitting);
    if (fitting.size() == 1) return fitting.front();
  }
  return refuse(Code::notFound, "", "no " + what + " '" + text + "'");
}

}  // namespace bulkhead::cli
