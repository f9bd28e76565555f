#include "daemons/common/jail/policy-compiler/policy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "daemons/common/jail/policy-compiler/compile.h"
#include "daemons/common/jail/policy-compiler/constants.h"

namespace bulkhead::policy {
namespace {

Policy parse(const std::string& text) {
  return parsePolicy("x", text, [](const std::string& name) -> std::optional<std::string> {
    if (name == "base") return "read\ninclude more\n";
    if (name == "more") return "write\ninclude base\n";
    if (name == "broken") return "\nno_such_call\n";
    return std::nullopt;
  });
}

std::string errorOf(const std::string& text) {
  try {
    (void)compilePolicy(parse(text), Otherwise::kill);
  } catch (const PolicyError& error) {
    return error.what();
  }
  return "";
}

TEST(Policy, NamesFileAndLineOfWhatItDoesNotKnow) {
  EXPECT_EQ(errorOf("read\nno_such_call\n"), "x.policy:2: unknown system call 'no_such_call'");
  EXPECT_EQ(errorOf("fcntl: arg1 in F_GETFD F_NOPE\n"), "x.policy:1: unknown constant 'F_NOPE'");
  EXPECT_EQ(errorOf("# c\n\ninclude nothing\n"), "x.policy:3: nothing to include by the name 'nothing'");
  EXPECT_EQ(errorOf("include broken\n"), "parts/broken.policy:2: unknown system call 'no_such_call'");
}

TEST(Policy, RefusesBadGrammar) {
  EXPECT_NE(errorOf("read write\n"), "");
  EXPECT_NE(errorOf("read:\n"), "");
  EXPECT_NE(errorOf("read: arg6 in 0\n"), "");
  EXPECT_NE(errorOf("read: arg0 is 0\n"), "");
  EXPECT_NE(errorOf("read: arg0 in\n"), "");
  EXPECT_NE(errorOf("read: arg0 in 0 &&\n"), "");
  EXPECT_NE(errorOf("read: errno\n"), "");
  EXPECT_NE(errorOf("read=77777777777\n"), "");
  EXPECT_NE(errorOf("#0\nread=5\n"), "");  // read is 0 here
  EXPECT_NE(errorOf("socket\nsocket: errno EPERM\n"), "");
}

TEST(Policy, UnderstandsEveryForm) {
  Policy policy = parse(
      "include base  # and a comment\n"
      "fcntl: arg1 in F_GETFD F_SETFD && arg0 lacks 0x80 1\n"
      "clone3: errno ENOSYS\n"
      "newest_call=999\n");
  ASSERT_EQ(policy.rules.size(), 5U);
  EXPECT_EQ(policy.rules[0].call, "read");
  EXPECT_EQ(policy.rules[1].call, "write");
  const Rule& fcntl = policy.rules[2];
  ASSERT_EQ(fcntl.clauses.size(), 2U);
  EXPECT_EQ(fcntl.clauses[0].values, (std::vector<std::uint64_t>{F_GETFD, F_SETFD}));
  EXPECT_EQ(fcntl.clauses[1].kind, Clause::Kind::lacks);
  EXPECT_EQ(fcntl.clauses[1].values, (std::vector<std::uint64_t>{0x81}));
  EXPECT_EQ(policy.rules[3].answer, ENOSYS);
  EXPECT_EQ(policy.rules[4].number, 999);
  EXPECT_FALSE(compilePolicy(policy, Otherwise::kill).empty());
}

TEST(Constants, AreNamesNumbersAndUnions) {
  EXPECT_EQ(constantValue("F_SETFD"), 2U);
  EXPECT_EQ(constantValue("O_WRONLY|O_CREAT"), static_cast<std::uint64_t>(O_WRONLY | O_CREAT));
  EXPECT_EQ(constantValue("0x10"), 16U);
  EXPECT_EQ(constantValue("-1"), ~std::uint64_t{0});
  EXPECT_EQ(constantValue(""), std::nullopt);
  EXPECT_EQ(constantValue("1|"), std::nullopt);
  EXPECT_EQ(constantValue("12x"), std::nullopt);
}

}  // namespace
}  // namespace bulkhead::policy
