#include "cli/resolve.h"

#include <gtest/gtest.h>

namespace bulkhead::cli {
namespace {

const std::vector<Named> all = {
    {Kind::pod, "abc111", "web", "default/web"},   {Kind::container, "abc222", "main", ""},
    {Kind::container, "def333", "abc111-not", ""}, {Kind::container, "eee444", "twin", ""},
    {Kind::container, "eee555", "twin", ""},       {Kind::container, "fff666", "def", ""},
};

std::string refusal(const std::string& text) {
  return resolve(text, all, "container").error().reason;
}

TEST(Resolve, takesIdNameAndBeginning) {
  EXPECT_EQ(resolve("abc111", all, "pod")->id, "abc111");
  EXPECT_EQ(resolve("default/web", all, "pod")->id, "abc111");
  EXPECT_EQ(resolve("web", all, "pod")->id, "abc111");
  EXPECT_EQ(resolve("abc2", all, "pod")->id, "abc222");
}

TEST(Resolve, prefersANameToABeginning) {
  EXPECT_EQ(resolve("def", all, "container")->id, "fff666");
}

TEST(Resolve, refusesWhatFitsSeveralOrNothing) {
  EXPECT_EQ(refusal("abc"), "'abc' is ambiguous: abc111, abc222");
  EXPECT_EQ(refusal("twin"), "'twin' is ambiguous: eee444, eee555");
  EXPECT_EQ(refusal("nobody"), "no container 'nobody'");
  EXPECT_EQ(refusal(""), "an empty container name");
}

}  // namespace
}  // namespace bulkhead::cli
