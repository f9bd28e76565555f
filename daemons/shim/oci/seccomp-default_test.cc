#include "daemons/shim/oci/seccomp-default.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bulkhead::oci {
namespace {

using Json = nlohmann::json;

Json profile() {
  JsonWriter writer;
  writeDefaultSeccomp(writer, {});
  return Json::parse(writer.document());
}

// Does a rule let `call` through with this first argument? As libseccomp would compare.
bool allows(const Json& profile, const std::string& call, std::uint64_t argument) {
  for (const Json& rule : profile.at("syscalls")) {
    auto names = rule.at("names").get<std::vector<std::string>>();
    if (rule.at("action") != "SCMP_ACT_ALLOW" || std::find(names.begin(), names.end(), call) == names.end())
      continue;
    bool all = true;
    for (const Json& each : rule.value("args", Json::array())) {
      EXPECT_EQ(each.at("op"), "SCMP_CMP_MASKED_EQ");
      all = all &&
            (argument & each.at("value").get<std::uint64_t>()) == each.at("valueTwo").get<std::uint64_t>();
    }
    if (all) return true;
  }
  return false;
}

TEST(SeccompDefault, AllowsEveryFamilyButTwo) {
  Json all = profile();
  for (std::uint64_t family = 0; family < 48; ++family) {
    EXPECT_EQ(allows(all, "socket", family), family != 38 && family != 40) << family;
    // The kernel looks at 32 bits.
    EXPECT_EQ(allows(all, "socket", family | 1ULL << 32), family != 38 && family != 40) << family;
  }
}

// libseccomp opens it for 32-bit x86 beside `socket`, unless a rule of another answer than the default's says
// no.
TEST(SeccompDefault, ClosesSocketcallByARule) {
  Json all = profile();
  auto closes = [&all](const Json& rule) {
    return rule.at("names") == Json{"socketcall"} && rule.at("action") == "SCMP_ACT_ERRNO" &&
           rule.at("errnoRet") != all.at("defaultErrnoRet") && !rule.contains("args");
  };
  EXPECT_TRUE(std::any_of(all.at("syscalls").begin(), all.at("syscalls").end(), closes));
  EXPECT_FALSE(allows(all, "socketcall", 1));
}

}  // namespace
}  // namespace bulkhead::oci
