#include "daemons/config-reader/seccomp.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <memory>

#include "daemons/config-reader/settings.h"

namespace bulkhead::config {
namespace {

class Seccomp : public testing::Test {
 protected:
  schema::SeccompProfile::Reader read(const std::string& text) {
    message_ = std::make_unique<capnp::MallocMessageBuilder>();
    auto profile = message_->initRoot<schema::SeccompProfile>();
    writeSeccomp(text, here, profile);
    return profile.asReader();
  }
  std::string errorOf(const std::string& text) {
    try {
      read(text);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }
  // Of the calls that the rules of a profile name.
  std::string callsOf(const std::string& rules) {
    std::string names;
    auto profile = read(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [)" + rules + "]}");
    for (auto rule : profile.getRules()) {
      for (auto name : rule.getNames()) names += std::string(names.empty() ? "" : " ") + name.cStr();
    }
    return names;
  }

  SeccompConditions here{{"CAP_CHOWN"}, "amd64", 5, 10};

 private:
  std::unique_ptr<capnp::MallocMessageBuilder> message_;
};

TEST_F(Seccomp, ReadsWhatTheRuntimeWillTake) {
  auto profile = read(R"({
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "flags": ["SECCOMP_FILTER_FLAG_LOG"],
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
    "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "comment": "needed", "args": []},
                 {"name": "clone", "action": "SCMP_ACT_ALLOW",
                  "args": [{"index": 5, "value": 18446744073709551615, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]},
                 {"names": ["ptrace"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": null}]})");
  EXPECT_EQ(profile.getDefault().getAction(), schema::SeccompProfile::Action::ERRNO);
  EXPECT_EQ(profile.getDefault().getErrno(), 38);
  ASSERT_EQ(profile.getArchitectures().size(), 2U);
  EXPECT_EQ(std::string(profile.getArchitectures()[1]), "SCMP_ARCH_X86");
  EXPECT_EQ(std::string(profile.getFlags()[0]), "SECCOMP_FILTER_FLAG_LOG");
  ASSERT_EQ(profile.getRules().size(), 3U);
  EXPECT_EQ(profile.getRules()[0].getNames().size(), 2U);
  auto argument = profile.getRules()[1].getArguments()[0];
  EXPECT_EQ(argument.getIndex(), 5);
  EXPECT_EQ(argument.getValue(), ~std::uint64_t{0});
  EXPECT_EQ(argument.getSecond(), 1U);
  EXPECT_EQ(argument.getOperator(), schema::SeccompProfile::Comparison::MASKED_EQ);
  EXPECT_EQ(profile.getRules()[2].getDecision().getErrno(), 1);
}

TEST_F(Seccomp, ResolvesWhatRulesDependOn) {
  auto rule = [](const std::string& name, const std::string& conditions) {
    return R"({"names": [")" + name + R"("], "action": "SCMP_ACT_ALLOW", )" + conditions + "}";
  };
  EXPECT_EQ(callsOf(rule("yes", R"("includes": {"caps": ["CAP_CHOWN"]})") + "," +
                    rule("no", R"("includes": {"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]})") + "," +
                    rule("here", R"("includes": {"arches": ["arm64", "amd64"]}, "excludes": {})") + "," +
                    rule("there", R"("includes": {"arches": ["arm64"]})") + "," +
                    rule("new", R"("includes": {"minKernel": "5.11"})") + "," +
                    rule("old", R"("includes": {"minKernel": "4.19"})") + "," +
                    rule("weak", R"("excludes": {"caps": ["CAP_SYS_ADMIN"]})") + "," +
                    rule("strong", R"("excludes": {"caps": ["CAP_CHOWN"]})") + "," +
                    rule("elsewhere", R"("excludes": {"arches": ["amd64"]})") + "," +
                    rule("before", R"("excludes": {"minKernel": "5.10"})")),
            "yes here old weak");
}

TEST_F(Seccomp, RefusesWhatItIsNot) {
  for (
      const char* text :
      {"", "[]", "{", "{}", R"({"defaultAction": 1})", R"({"defaultAction": "SCMP_ACT_NOTIFY"})",
       R"({"defaultAction": "SCMP_ACT_TRACE"})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_NOTIFY"}]})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_TRACE"}]})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/agent"})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NEW_LISTENER"]})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["X86"]})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_KILL"}]})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a b"], "action": "SCMP_ACT_KILL"}]})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_KILL", "args": [{"index": 6, "op": "SCMP_CMP_EQ"}]}]})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_KILL", "errnoRet": 4096}]})",
       R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_KILL", "includes": {"minKernel": "x"}}]})"}) {
    EXPECT_TRUE(errorOf(text).starts_with("is no seccomp profile: ")) << text << errorOf(text);
  }
  EXPECT_NE(errorOf(std::string(100000, '[')), "");
  std::string sub = R"({"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]})";
  std::string map = sub;
  for (int i = 0; i < 20; ++i) map += "," + sub;
  EXPECT_NE(errorOf(R"({"defaultAction": "SCMP_ACT_ALLOW", "archMap": [)" + map + "]}"), "");
  std::string many =
      R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_KILL", "names": ["a")";
  for (int i = 0; i < 20000; ++i) many += ",\"a\"";
  EXPECT_NE(errorOf(many + "]}]}"), "");
}

}  // namespace
}  // namespace bulkhead::config
