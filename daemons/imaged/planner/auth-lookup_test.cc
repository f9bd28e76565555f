#include "daemons/imaged/planner/auth-lookup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "daemons/imaged/planner/root-files.h"
#include "daemons/imaged/planner/test-directory.h"

namespace bulkhead::planner {
namespace {

// What sha256sum(1) says of the name.
TEST(AuthLookup, NamesTheFileOfANamespace) {
  EXPECT_EQ(namespacedName("team", "docker.io/library/busybox").value(),
            "team-9d1e243a370d796821703defb72f477f8800c4321c055b247a9664a352d86046.json");
  for (const char* bad : {"", "..", "a/b", "A", "-a", "a-", "a.b", "a\n"})
    EXPECT_EQ(namespacedName(bad, "x").error().code, Code::invalidArgument) << bad;
}

class Files : public ::testing::Test {
 protected:
  std::string ofNamespace(const std::string& text) const {
    return directory_.write("ns/" + namespacedName("team", "a.test/app").value(), text);
  }
  std::vector<std::string> lookUp(const std::string& podNamespace,
                                  const std::vector<std::string>& places) const {
    std::vector<std::string> found;
    AuthPlaces files{directory_.path() + "/auth.json", directory_.path() + "/ns"};
    auto entries = credentialsFor(files, podNamespace, "a.test/app", places);
    for (const AuthEntry& entry : entries.value()) found.push_back(entry.auth);
    return found;
  }

  TestDirectory directory_;
};

using Texts = std::vector<std::string>;

TEST_F(Files, TheNamespacesComeBeforeTheGlobalOne) {
  directory_.write("auth.json", R"({"auths":{"a.test":{"auth":"global"},"m.test":{"auth":"mirror"}}})");
  ofNamespace(R"({"auths":{"a.test":{"auth":"team"}}})");
  Texts places{"m.test/app", "a.test/app", "c.test/app"};
  EXPECT_EQ(lookUp("team", places), (Texts{"mirror", "team", ""}));
  EXPECT_EQ(lookUp("other", places), (Texts{"mirror", "global", ""}));
  EXPECT_EQ(lookUp("", places), (Texts{"mirror", "global", ""}));
}

TEST_F(Files, AbsentOnesNameNothing) {
  EXPECT_EQ(lookUp("team", {"a.test/app"}), Texts{""});
}

TEST_F(Files, BrokenOnesRefuseThePull) {
  ofNamespace("S3CRET");
  auto entries = credentialsFor({"", directory_.path() + "/ns"}, "team", "a.test/app", {"a.test/app"});
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().code, Code::failedPrecondition);
  EXPECT_EQ(entries.error().reason.find("S3CRET"), std::string::npos);
}

TEST_F(Files, AreReadWithCare) {
  EXPECT_THROW(readFile(directory_.write("open", "", 0666), Owner::root), FileError);
  EXPECT_TRUE(readFile(directory_.write("open", "", 0666), Owner::anyone));
  EXPECT_THROW(readFile(directory_.write("large", std::string(largestFile + 1, 'x')), Owner::anyone),
               FileError);
  EXPECT_THROW(readFile(directory_.path(), Owner::anyone), FileError);
  std::string fifo = directory_.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0644), 0);
  EXPECT_THROW(readFile(fifo, Owner::anyone), FileError) << "and does not hang";
  EXPECT_FALSE(readFile(directory_.path() + "/absent", Owner::root));
}

}  // namespace
}  // namespace bulkhead::planner
