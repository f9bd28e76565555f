#include "daemons/common/jail/policy-compiler/compile.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"

namespace bulkhead::policy {
namespace {

using Context = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

void check(int result, const std::string& what) {
  if (result < 0) throw PolicyError(what + ": libseccomp: " + errnoText(-result));
}

// An answered call may not be allowed elsewhere as well: libseccomp would take whichever came first.
void refuseContradictions(const Policy& policy) {
  std::map<int, const Rule*> first;
  for (const Rule& rule : policy.rules) {
    auto [at, fresh] = first.emplace(rule.number, &rule);
    if (!fresh && at->second->answer != rule.answer) {
      throw PolicyError(rule.where + ": '" + rule.call + "' contradicts " + at->second->where);
    }
  }
}

// Negative values are ints (AT_FDCWD): the kernel looks at 32 bits, and so does the filter. All others are
// compared whole, so that garbage in the upper half is refused.
scmp_arg_cmp compareEqual(unsigned argument, std::uint64_t value) {
  constexpr std::uint64_t low = 0xffffffff;
  bool isNegative = static_cast<std::int64_t>(value) < 0;
  if (isNegative) return {argument, SCMP_CMP_MASKED_EQ, low, value & low};
  return {argument, SCMP_CMP_EQ, value, 0};
}

scmp_arg_cmp compareLacks(const Clause& clause) {
  return {clause.argument, SCMP_CMP_MASKED_EQ, clause.values[0], 0};
}

// libseccomp has no "one of": every combination of values becomes a rule of its own.
void addCombinations(scmp_filter_ctx context, const Rule& rule, size_t at,
                     std::vector<scmp_arg_cmp>& chosen) {
  if (at == rule.clauses.size()) {
    int result = seccomp_rule_add_exact_array(context, SCMP_ACT_ALLOW, rule.number,
                                              static_cast<unsigned>(chosen.size()), chosen.data());
    if (result != -EEXIST) check(result, rule.where + ": '" + rule.call + "'");
    return;
  }
  const Clause& clause = rule.clauses[at];
  if (clause.kind == Clause::Kind::lacks) {
    chosen.push_back(compareLacks(clause));
    addCombinations(context, rule, at + 1, chosen);
    chosen.pop_back();
    return;
  }
  for (std::uint64_t value : clause.values) {
    chosen.push_back(compareEqual(clause.argument, value));
    addCombinations(context, rule, at + 1, chosen);
    chosen.pop_back();
  }
}

void addRule(scmp_filter_ctx context, const Rule& rule) {
  if (rule.answer) {
    check(seccomp_rule_add_exact_array(context, SCMP_ACT_ERRNO(static_cast<unsigned>(*rule.answer)),
                                       rule.number, 0, nullptr),
          rule.where + ": '" + rule.call + "'");
    return;
  }
  std::vector<scmp_arg_cmp> chosen;
  addCombinations(context, rule, 0, chosen);
}

std::vector<sock_filter> exportProgram(scmp_filter_ctx context, const std::string& name) {
  Fd memory(::memfd_create("policy", MFD_CLOEXEC));
  if (!memory) throwErrno("memfd_create");
  check(seccomp_export_bpf(context, memory.get()), name);
  off_t size = ::lseek(memory.get(), 0, SEEK_END);
  if (size < 0) throwErrno("lseek");
  std::vector<sock_filter> program(static_cast<size_t>(size) / sizeof(sock_filter));
  if (program.size() > BPF_MAXINSNS) throw PolicyError(name + ".policy: longer than the kernel takes");
  if (::pread(memory.get(), program.data(), static_cast<size_t>(size), 0) != size) throwErrno("read filter");
  return program;
}

}  // namespace

std::vector<sock_filter> compilePolicy(const Policy& policy, Otherwise otherwise) {
  refuseContradictions(policy);
  std::uint32_t defaultAction = otherwise == Otherwise::kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_LOG;
  Context context(seccomp_init(defaultAction), seccomp_release);
  if (!context) throw PolicyError(policy.name + ": libseccomp: cannot start a filter");
  check(seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), policy.name);
  // A binary tree by call number instead of a chain: the cost of a call does not grow with the list.
  constexpr std::uint32_t binaryTree = 2;
  check(seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, binaryTree), policy.name);
  for (const Rule& rule : policy.rules) addRule(context.get(), rule);
  return exportProgram(context.get(), policy.name);
}

}  // namespace bulkhead::policy
