#include "daemons/common/base/user-spec.h"

#include <algorithm>
#include <charconv>

namespace bulkhead {
namespace {

constexpr std::size_t longestName = 256;  // LOGIN_NAME_MAX of Linux, sysconf(3)

bool isDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// passwd(5) and group(5) separate by ':' and ','; NIS entries begin with '+' or '-'.
bool couldBeName(std::string_view text) {
  bool plain = std::all_of(text.begin(), text.end(),
                           [](char c) { return c > ' ' && c < 0x7f && c != ':' && c != ',' && c != '/'; });
  return plain && !text.empty() && text.size() <= longestName && text.front() != '-' && text.front() != '+';
}

}  // namespace

std::optional<std::uint32_t> parseAccountNumber(std::string_view text) {
  if (!isDigits(text)) return std::nullopt;
  std::uint32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool fits = error == std::errc() && end == text.data() + text.size() && number != UINT32_MAX;
  return fits ? std::optional(number) : std::nullopt;
}

Outcome<AccountName> parseAccountName(std::string_view text, std::string field) {
  if (isDigits(text)) {
    auto number = parseAccountNumber(text);
    if (!number) return invalid(std::move(field), "is not within 0 to 4294967294");
    return *number;
  }
  if (!couldBeName(text))
    return invalid(std::move(field), "is neither a number nor what an account can be named");
  return std::string(text);
}

Outcome<UserSpec> UserSpec::parse(std::string_view text, const std::string& field) {
  UserSpec spec;
  std::size_t colon = text.find(':');
  if (std::string_view user = text.substr(0, colon); !user.empty()) {
    auto name = parseAccountName(user, field);
    if (!name) return tl::unexpected(name.error());
    spec.user = std::move(*name);
  }
  if (colon == std::string_view::npos) return spec;
  if (std::string_view group = text.substr(colon + 1); !group.empty()) {
    auto name = parseAccountName(group, field);
    if (!name) return tl::unexpected(name.error());
    spec.group = std::move(*name);
  }
  return spec;
}

}  // namespace bulkhead
