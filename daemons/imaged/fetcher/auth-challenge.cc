#include "daemons/imaged/fetcher/auth-challenge.h"

#include "daemons/imaged/fetcher/ascii.h"

#include <optional>

namespace bulkhead::fetcher {
namespace {

// RFC 9110 §5.6.2
bool isTokenChar(char c) {
  bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return alnum || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : left_(text) {}

  std::vector<Challenge> all() {
    std::vector<Challenge> challenges;
    while (true) {
      skip(" \t,");
      std::string name = token();
      if (name.empty()) return challenges;
      skip(" \t");
      if (!next('=')) {
        challenges.push_back({lower(name), {}});
        continue;
      }
      auto value = challenges.empty() ? std::nullopt : parameterValue();
      if (!value) return challenges;
      challenges.back().parameters.emplace(lower(name), std::move(*value));  // the first of a name counts
    }
  }

 private:
  void skip(std::string_view set) {
    size_t end = left_.find_first_not_of(set);
    left_ = end == left_.npos ? std::string_view() : left_.substr(end);
  }
  bool next(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  std::string token() {
    size_t end = 0;
    while (end < left_.size() && isTokenChar(left_[end])) ++end;
    std::string text(left_.substr(0, end));
    left_.remove_prefix(end);
    return text;
  }
  std::optional<std::string> parameterValue() {
    skip(" \t");
    if (!next('"')) return token();
    std::string value;
    while (!left_.empty()) {
      char c = left_.front();
      left_.remove_prefix(1);
      if (c == '"') return value;
      if (c == '\\' && !left_.empty()) {
        c = left_.front();
        left_.remove_prefix(1);
      }
      value += c;
    }
    return std::nullopt;  // the quote never ends
  }

  std::string_view left_;
};

}  // namespace

std::vector<Challenge> parseChallenges(std::string_view header) {
  return Parser(header).all();
}

}  // namespace bulkhead::fetcher
