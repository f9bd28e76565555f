#include "daemons/imaged/planner/short-names.h"

#include <gtest/gtest.h>

namespace bulkhead::planner {
namespace {

const std::string digest = "@sha256:" + std::string(64, 'a');

std::vector<std::string> meanings(const std::string& text, const RegistriesConf& conf) {
  std::vector<std::string> all;
  auto references = meaningsOf(text, conf).value();
  for (const ImageReference& reference : references) all.push_back(reference.text());
  return all;
}

using Texts = std::vector<std::string>;

RegistriesConf searching(std::vector<std::string> registries, ShortNameMode mode = ShortNameMode::enforcing) {
  RegistriesConf conf;
  conf.search = std::move(registries);
  conf.shortNameMode = mode;
  return conf;
}

TEST(ShortNames, AreNamesWithoutARegistry) {
  for (const char* text : {"busybox", "busybox:1.36", "user/app", "user/app/x"})
    EXPECT_TRUE(isShortName(text)) << text;
  for (const char* text : {"localhost/a", "a.b/c", "a:5000/c", "[::1]/c", "docker.io/library/busybox"})
    EXPECT_FALSE(isShortName(text)) << text;
}

TEST(ShortNames, MeanDockerHubWhereNobodySaysOtherwise) {
  EXPECT_EQ(meanings("busybox", {}), Texts{"docker.io/library/busybox:latest"});
  EXPECT_EQ(meanings("user/app:1", {}), Texts{"docker.io/user/app:1"});
}

TEST(ShortNames, MeanWhatIsSearched) {
  EXPECT_EQ(meanings("busybox:1" + digest, searching({"one.test:5000"})),
            Texts{"one.test:5000/busybox:1" + digest});
  EXPECT_EQ(meanings("busybox", searching({"docker.io"})), Texts{"docker.io/library/busybox:latest"});
  EXPECT_EQ(meanings("app", searching({"one.test/team"})), Texts{"one.test/team/app:latest"});
}

TEST(ShortNames, AreRefusedWhenAmbiguous) {
  for (ShortNameMode mode : {ShortNameMode::enforcing, ShortNameMode::permissive}) {
    auto refused = meaningsOf("busybox", searching({"one.test", "two.test"}, mode));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::failedPrecondition);
    EXPECT_NE(refused.error().reason.find("ambiguous"), std::string::npos);
  }
  EXPECT_EQ(meanings("busybox", searching({"one.test", "two.test"}, ShortNameMode::disabled)),
            (Texts{"one.test/busybox:latest", "two.test/busybox:latest"}));
  EXPECT_EQ(meaningsOf("busybox", searching({})).error().code, Code::failedPrecondition);
}

TEST(ShortNames, AreAliasesFirst) {
  RegistriesConf conf = searching({"one.test", "two.test"});
  conf.aliases = {
      {"busybox", "quay.io/b/busybox"}, {"user/app", "quay.io/u/app"}, {"a.test/x", "evil.test/x"}};
  EXPECT_EQ(meanings("busybox:1.36", conf), Texts{"quay.io/b/busybox:1.36"});
  EXPECT_EQ(meanings("busybox:1" + digest, conf), Texts{"quay.io/b/busybox:1" + digest});
  EXPECT_EQ(meanings("busybox" + digest, conf), Texts{"quay.io/b/busybox" + digest});
  EXPECT_EQ(meanings("user/app", conf), Texts{"quay.io/u/app:latest"});
  EXPECT_EQ(meanings("a.test/x", conf), Texts{"a.test/x:latest"}) << "a full name is nobody's alias";
}

TEST(ShortNames, FullNamesMeanThemselves) {
  RegistriesConf conf = searching({});
  EXPECT_EQ(meanings("[::1]:5000/x", conf), Texts{"[::1]:5000/x:latest"});
  EXPECT_EQ(meaningsOf("UPPER", conf).error().code, Code::invalidArgument);
}

}  // namespace
}  // namespace bulkhead::planner
