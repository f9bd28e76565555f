#include "daemons/imaged/planner/registries-d.h"

#include <gtest/gtest.h>

#include "daemons/imaged/planner/registries-conf.h"

namespace bulkhead::planner {
namespace {

RegistriesD confOf(const std::string& text) {
  RegistriesD conf;
  readRegistriesD(conf, "registries.d/a.yaml", text);
  return conf;
}

std::string errorOf(const std::string& text) {
  try {
    (void)confOf(text);
  } catch (const ConfError& error) {
    return error.what();
  }
  return "";
}

TEST(RegistriesD, TheMostSpecificSectionSaysEachThing) {
  RegistriesD conf = confOf(R"(
default-docker:
  lookaside: https://all.test/s/
  use-sigstore-attachments: true
docker:
  quay.io:
    sigstore: https://quay.test
    use-sigstore-attachments: false
  quay.io/team:
    lookaside-staging: file:///var/lib/containers/sigstore
  quay.io/team/app:2:
    lookaside: http://two.test
  "*.example.com":
    lookaside: https://wild.test
)");
  auto stores = [&conf](const std::string& repository, const std::string& suffix) {
    return storesOf(conf, repository, suffix);
  };
  EXPECT_EQ(stores("docker.io/library/a", ":1").lookaside, "https://all.test/s");
  EXPECT_TRUE(stores("docker.io/library/a", ":1").attachments);
  EXPECT_EQ(stores("quay.io/team/app", ":1").lookaside, "https://quay.test");
  EXPECT_FALSE(stores("quay.io/team/app", ":1").attachments);
  EXPECT_EQ(stores("quay.io/team/app", ":2").lookaside, "http://two.test");
  EXPECT_FALSE(stores("quay.io/team/app", ":2").attachments);
  EXPECT_EQ(stores("quay.io/teamwork", "").lookaside, "https://quay.test");
  EXPECT_EQ(stores("a.example.com:5000/x", "").lookaside, "https://wild.test");
  EXPECT_EQ(stores("QUAY.io:443/x", "").lookaside, "https://quay.test");
}

TEST(RegistriesD, NobodySaysAnything) {
  EXPECT_EQ(storesOf(confOf(""), "quay.io/a", ":1").lookaside, "");
  EXPECT_TRUE(storesOf(confOf("# nothing\n"), "quay.io/a", ":1").attachments);
}

TEST(RegistriesD, ErrorsNameFileAndLine) {
  EXPECT_EQ(errorOf("docker:\n  quay.io:\n    lookaside: ftp://x\n"),
            "registries.d/a.yaml:3: 'lookaside' must be an http, https or file URL without query");
  EXPECT_EQ(errorOf("docker:\n  quay.io:\n    lookaside: http://x/?a=b\n"),
            "registries.d/a.yaml:3: 'lookaside' must be an http, https or file URL without query");
  EXPECT_EQ(errorOf("docker:\n  quay.io:\n    use-sigstore-attachments: perhaps\n"),
            "registries.d/a.yaml:3: 'use-sigstore-attachments' must be true or false");
  EXPECT_TRUE(errorOf("docker: [1]\n").starts_with("registries.d/a.yaml:1: must be a map"));
  EXPECT_TRUE(errorOf("docker:\n  a.io: {}\n  a.io: {}\n").starts_with("registries.d/a.yaml:3: 'a.io'"));
  EXPECT_TRUE(errorOf("a: [\n").starts_with("registries.d/a.yaml:2: is not YAML"));
}

TEST(RegistriesD, ASectionIsInOneFile) {
  RegistriesD conf = confOf("default-docker: {}\ndocker:\n  a.io: {}\n");
  EXPECT_THROW(readRegistriesD(conf, "b", "docker:\n  a.io: {}\n"), ConfError);
  EXPECT_THROW(readRegistriesD(conf, "b", "default-docker: {}\n"), ConfError);
  readRegistriesD(conf, "b", "docker:\n  b.io: {}\nnobody-knows-this: 1\n");
}

}  // namespace
}  // namespace bulkhead::planner
