// A policy file, parsed: which system calls a process may make, and with which arguments. The grammar is
// described in policies/README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace bulkhead::policy {

// Bad input: "cri.policy:12: unknown constant 'F_FOO'". Stops the build.
class PolicyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One condition on one argument.
struct Clause {
  unsigned argument;  // 0-5
  enum class Kind { in, lacks } kind;
  std::vector<std::uint64_t> values;  // in: any of these; lacks: one mask, of which no bit may be set
};

// One line: the call is allowed when every clause holds, or is answered with an errno instead of running.
struct Rule {
  std::string call;
  int number;  // of the system call, on this architecture
  std::vector<Clause> clauses;
  std::optional<int> answer;  // errno
  std::string where;          // "cri.policy:12"
};

struct Policy {
  std::string name;
  std::vector<Rule> rules;
};

// Finds the text of an included file: `include base` asks for "base". Nothing if there is no such file.
using IncludeReader = std::function<std::optional<std::string>(const std::string& name)>;

// Parses `text`, the contents of NAME.policy, and everything that it includes. Throws PolicyError.
Policy parsePolicy(const std::string& name, const std::string& text, const IncludeReader& include);

}  // namespace bulkhead::policy
