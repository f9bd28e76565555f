#include "daemons/common/base/ids.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

const std::string good(64, 'a');

TEST(HexId, RefusesWhatIsNotAnIdAndNamesTheField) {
  for (const std::string& bad :
       {std::string(), std::string("abc"), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'),
        std::string(64, 'g'), std::string(61, 'a') + "/..", "../" + std::string(61, 'a'),
        std::string(63, 'a') + '\0', good + "\n"}) {
    auto id = PodId::parse(bad, "pod_sandbox_id");
    ASSERT_FALSE(id) << bad;
    EXPECT_EQ(id.error().code, Code::invalidArgument);
    EXPECT_EQ(id.error().field, "pod_sandbox_id");
    EXPECT_FALSE(id.error().reason.empty());
  }
}

TEST(HexId, TakesSixtyFourDigits) {
  auto id = ContainerId::parse(good, "id");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->text(), good);
}

TEST(HexId, GeneratesDistinctValidIds) {
  auto first = PodId::generate();
  auto second = PodId::generate();
  EXPECT_NE(first, second);
  EXPECT_TRUE(PodId::parse(first.text(), "id"));
}

TEST(LayerName, RefusesAnythingThatCouldBeAPath) {
  for (const char* bad : {"", ".", "..", "a", "../../../../../../../../etc", "aaaaaaaaaaaaaaaaaaaaaaaaa/",
                          "aaaaaaaaaaaaaaaaaaaaaaaaa1", "AAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_FALSE(LayerName::parse(bad)) << bad;
  }
  EXPECT_TRUE(LayerName::parse(LayerName::generate().text()));
}

TEST(PlainName, IsOneHarmlessPathComponent) {
  for (const char* bad : {"", ".", "..", ".hidden", "-flag", "a/b", "a b", "a\n", "a:b"})
    EXPECT_FALSE(isPlainName(bad)) << bad;
  for (const char* fine : {"runc", "bridge", "host-local", "k8s.pod_1"})
    EXPECT_TRUE(isPlainName(fine)) << fine;
}

}  // namespace
}  // namespace bulkhead
