#include "daemons/cri-frontend/translate/quantity.h"

#include <array>
#include <charconv>
#include <string>

namespace bulkhead::cri {
namespace {

struct Scale {
  int binary = 0;   // power of 2
  int decimal = 0;  // power of 10
};

struct Suffix {
  std::string_view text;
  Scale scale;
};

constexpr std::array<Suffix, 16> suffixes{{{"", {0, 0}},
                                           {"n", {0, -9}},
                                           {"u", {0, -6}},
                                           {"m", {0, -3}},
                                           {"k", {0, 3}},
                                           {"M", {0, 6}},
                                           {"G", {0, 9}},
                                           {"T", {0, 12}},
                                           {"P", {0, 15}},
                                           {"E", {0, 18}},
                                           {"Ki", {10, 0}},
                                           {"Mi", {20, 0}},
                                           {"Gi", {30, 0}},
                                           {"Ti", {40, 0}},
                                           {"Pi", {50, 0}},
                                           {"Ei", {60, 0}}}};

template <typename Number>
std::optional<Number> whole(std::string_view digits) {
  Number number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<Scale> parseScale(std::string_view text) {
  if (text.size() > 1 && (text[0] == 'e' || text[0] == 'E') && text[1] != 'i') {
    text.remove_prefix(text[1] == '+' ? 2 : 1);
    auto exponent = whole<int>(text);
    constexpr int furthest = 30;  // what is beyond is 0, or does not fit
    if (!exponent || *exponent > furthest || *exponent < -furthest) return std::nullopt;
    return Scale{0, *exponent};
  }
  for (const Suffix& suffix : suffixes) {
    if (suffix.text == text) return suffix.scale;
  }
  return std::nullopt;
}

bool multiply(std::uint64_t& number, std::uint64_t by, int times) {
  for (int i = 0; i < times && number != 0; ++i) {
    if (__builtin_mul_overflow(number, by, &number)) return false;
  }
  return true;
}

}  // namespace

std::optional<std::uint64_t> parseQuantity(std::string_view text) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  size_t end = text.find_first_not_of("0123456789.");
  std::string_view number = text.substr(0, end);
  auto scale = parseScale(end == text.npos ? "" : text.substr(end));
  if (!scale) return std::nullopt;

  size_t dot = number.find('.');
  std::string fraction(dot == number.npos ? "" : number.substr(dot + 1));
  while (fraction.ends_with('0')) fraction.pop_back();
  auto value = whole<std::uint64_t>(std::string(number.substr(0, dot)) + fraction);
  // ".5" and "5." are quantities, "." is none.
  if (!value && number.size() > 1 && dot == 0 && fraction.empty()) value = 0;
  if (!value) return std::nullopt;
  int decimal = scale->decimal - static_cast<int>(fraction.size());
  if (!multiply(*value, 2, scale->binary) || !multiply(*value, 10, decimal)) return std::nullopt;
  for (; decimal < 0; ++decimal) *value = *value / 10 + (*value % 10 == 0 ? 0 : 1);
  return value;
}

}  // namespace bulkhead::cri
