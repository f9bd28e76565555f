#include "daemons/common/jail/policy-compiler/policy.h"

#include <seccomp.h>

#include <charconv>
#include <set>
#include <sstream>

#include "daemons/common/jail/policy-compiler/constants.h"

namespace bulkhead::policy {
namespace {

std::vector<std::string> wordsOf(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

class Parser {
 public:
  Parser(Policy& policy, const IncludeReader& include) : policy_(policy), include_(include) {}

  void parseFile(const std::string& name, const std::string& text) {
    if (!seen_.insert(name).second) return;  // two parts may both include a third
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      where_ = name + ".policy:" + std::to_string(++number);
      parseLine(line.substr(0, line.find('#')));
    }
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw PolicyError(where_ + ": " + why); }

  void parseLine(const std::string& line) {
    std::vector<std::string> words = wordsOf(line);
    if (words.empty()) return;
    if (words[0] == "include") return parseInclude(words);
    size_t colon = line.find(':');
    std::vector<std::string> head = wordsOf(line.substr(0, colon));
    if (head.size() != 1) fail("expected one system call, then ':' or the end of the line");
    Rule rule{head[0], callNumber(head[0]), {}, {}, where_};
    if (colon != std::string::npos) parseConditions(rule, wordsOf(line.substr(colon + 1)));
    policy_.rules.push_back(std::move(rule));
  }

  void parseInclude(const std::vector<std::string>& words) {
    if (words.size() != 2) fail("expected: include NAME");
    std::optional<std::string> text = include_(words[1]);
    if (!text) fail("nothing to include by the name '" + words[1] + "'");
    std::string here = where_;
    parseFile("parts/" + words[1], *text);
    where_ = here;
  }

  int callNumber(const std::string& call) const {
    if (call[0] == '#') fail("a call by number is written NAME=NUMBER");
    size_t equals = call.find('=');
    int known = seccomp_syscall_resolve_name(call.substr(0, equals).c_str());
    if (equals != std::string::npos) return numberedCall(call, equals, known);
    // Negative numbers are libseccomp's own, for calls of other architectures.
    if (known < 0) fail("unknown system call '" + call + "'");
    return known;
  }

  // "statmount=457": a call that this libseccomp does not know by name yet.
  int numberedCall(const std::string& call, size_t equals, int known) const {
    int number = -1;
    const char* end = call.data() + call.size();
    auto [stop, error] = std::from_chars(call.data() + equals + 1, end, number);
    if (error != std::errc() || stop != end || number < 0) fail("bad number in '" + call + "'");
    if (known >= 0 && known != number) fail("'" + call + "' is " + std::to_string(known) + " here");
    return number;
  }

  void parseConditions(Rule& rule, const std::vector<std::string>& words) const {
    if (words.empty()) fail("expected conditions after ':'");
    if (words[0] == "errno") {
      if (words.size() != 2) fail("expected: errno NAME");
      rule.answer = static_cast<int>(constant(words[1]));
      return;
    }
    std::vector<std::string> clause;
    for (const std::string& word : words) {
      if (word != "&&") {
        clause.push_back(word);
        continue;
      }
      rule.clauses.push_back(parseClause(clause));
      clause.clear();
    }
    rule.clauses.push_back(parseClause(clause));
  }

  Clause parseClause(const std::vector<std::string>& words) const {
    if (words.size() < 3) fail("expected: argN in|lacks CONSTANT…");
    const std::string& argument = words[0];
    if (argument.size() != 4 || argument.substr(0, 3) != "arg" || argument[3] < '0' || argument[3] > '5') {
      fail("expected arg0 to arg5, not '" + argument + "'");
    }
    Clause clause{static_cast<unsigned>(argument[3] - '0'), Clause::Kind::in, {}};
    if (words[1] == "lacks") {
      clause.kind = Clause::Kind::lacks;
      clause.values.push_back(0);
    } else if (words[1] != "in") {
      fail("expected 'in' or 'lacks', not '" + words[1] + "'");
    }
    for (size_t i = 2; i < words.size(); ++i) {
      std::uint64_t value = constant(words[i]);
      if (clause.kind == Clause::Kind::lacks) {
        clause.values[0] |= value;
      } else {
        clause.values.push_back(value);
      }
    }
    return clause;
  }

  std::uint64_t constant(const std::string& name) const {
    std::optional<std::uint64_t> value = constantValue(name);
    if (!value) fail("unknown constant '" + name + "'");
    return *value;
  }

  Policy& policy_;
  const IncludeReader& include_;
  std::set<std::string> seen_;
  std::string where_;
};

}  // namespace

Policy parsePolicy(const std::string& name, const std::string& text, const IncludeReader& include) {
  Policy policy{name, {}};
  Parser(policy, include).parseFile(name, text);
  return policy;
}

}  // namespace bulkhead::policy
