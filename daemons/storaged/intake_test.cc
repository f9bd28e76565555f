// Images on their way in: whatever does not hold together leaves nothing behind.
#include <gmock/gmock.h>

#include "daemons/storaged/digest-stream.h"
#include "daemons/storaged/storage-fixture.h"

namespace bulkhead::storaged {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class IntakeTest : public StorageTest {
 protected:
  void expectNothingStored() {
    EXPECT_TRUE(images().list().empty());
    EXPECT_EQ(countIn("staging"), 0U);
    EXPECT_EQ(countIn("layers"), 0U);
    EXPECT_EQ(countIn("trash"), 0U);
  }
  Outcome<ImageView> pullSending(const TestImage& image, const std::string& bytes) {
    auto intake = begin("test.io/app:1", image);
    send(*intake, 0, bytes);
    return commit(*intake);
  }
};

TEST_F(IntakeTest, WrongBytesAreRefusedByDigest) {
  TestImage image{{TestLayer::of("content")}};
  auto outcome = pullSending(image, "Zc0ntent");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::failedPrecondition);
  EXPECT_EQ(outcome.error().field, "layers[0].digest");
  expectNothingStored();
}

TEST_F(IntakeTest, WrongBytesThatAreNoArchiveAreStillRefusedByDigest) {
  TestImage image{{TestLayer::of("content")}};
  auto outcome = pullSending(image, "garbage!");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().field, "layers[0].digest");
}

TEST_F(IntakeTest, WrongDiffIdIsRefused) {
  TestLayer layer = TestLayer::of("content");
  layer.diffId = digestOf("something else");
  auto outcome = pullSending({{layer}}, layer.compressed);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::failedPrecondition);
  EXPECT_EQ(outcome.error().field, "layers[0].diff_id");
  expectNothingStored();
}

TEST_F(IntakeTest, ShortTransferIsUnavailable) {
  TestImage image{{TestLayer::of("content")}};
  auto outcome = pullSending(image, "Zcon");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_THAT(outcome.error().reason, HasSubstr("4 of 8 bytes"));
  expectNothingStored();
}

TEST_F(IntakeTest, LongTransferIsRefused) {
  TestImage image{{TestLayer::of("content")}};
  auto outcome = pullSending(image, "Zcontent and more");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().field, "layers[0].size");
  expectNothingStored();
}

TEST_F(IntakeTest, HostileArchiveIsInvalid) {
  TestLayer layer = TestLayer::of("EVIL");
  auto outcome = pullSending({{layer}}, layer.compressed);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::invalidArgument);
  EXPECT_EQ(outcome.error().field, "layers[0]");
  expectNothingStored();
}

TEST_F(IntakeTest, ArchiveOverTheLimitIsRefused) {
  TestLayer layer = TestLayer::of(std::string(33 * 1024 * 1024, 'x'));
  auto outcome = pullSending({{layer}}, layer.compressed);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::resourceExhausted);
  expectNothingStored();
}

TEST_F(IntakeTest, CommitWantsEveryLayer) {
  auto intake = begin("test.io/app:1", {{TestLayer::of("a"), TestLayer::of("b")}});
  send(*intake, 0, "Za");
  EXPECT_EQ(commit(*intake).error().code, Code::failedPrecondition);
  EXPECT_FALSE(intake->layerPipe(0));
  EXPECT_FALSE(intake->layerPipe(2));
}

TEST_F(IntakeTest, DroppedIntakeLeavesNothing) {
  TestImage image{{TestLayer::of("content")}};
  auto intake = begin("test.io/app:1", image);
  Fd sink = intake->layerPipe(0).value();  // stays open: the fetcher hangs
  EXPECT_EQ(images().pulls().size(), 1U);
  intake = nullptr;
  EXPECT_TRUE(images().pulls().empty());
  expectNothingStored();
}

TEST_F(IntakeTest, StoresAnImage) {
  TestImage image{{TestLayer::of("base"), TestLayer::of(std::string(5'000'000, 'x'))}};
  auto stored = pull("test.io/app:1", image);
  ASSERT_TRUE(stored);
  Digest top = digestOf(image.documents().index);
  EXPECT_THAT(stored->tags, ElementsAre("test.io/app:1"));
  EXPECT_THAT(stored->digests, ElementsAre("test.io/app@" + top.text()));
  EXPECT_GT(stored->size, 5'000'000U);
  std::vector<std::string> names{"test.io/app:1", "test.io/app@" + top.text(),
                                 "sha256:" + stored->image.id.text()};
  for (const std::string& name : names) {
    EXPECT_TRUE(images().status(name).value().has_value()) << name;
  }
  std::string byManifest = "test.io/app@" + digestOf(image.documents().manifest).text();
  EXPECT_TRUE(images().status(byManifest).value().has_value());
  EXPECT_FALSE(images().status("test.io/other:1").value().has_value());
  EXPECT_EQ(countIn("layers"), 2U);
  EXPECT_EQ(countIn("staging"), 0U);
}

TEST_F(IntakeTest, LayersWithoutCompressionNeedNoDecompressor) {
  TestLayer layer{"content", digestOf("content"), Codec::NONE};
  ASSERT_TRUE(pull("test.io/app:1", {{layer}}));
}

TEST_F(IntakeTest, LayersAreFetchedOnce) {
  TestLayer base = TestLayer::of("base");
  ASSERT_TRUE(pull("test.io/one:1", {{base}}));
  auto second = begin("test.io/two:1", {{base, TestLayer::of("top"), base}, "two"});
  EXPECT_EQ(second->missing().size(), 1U);
}

TEST_F(IntakeTest, TwoIntakesOfOneLayerKeepTheFirst) {
  TestLayer base = TestLayer::of("base");
  auto first = begin("test.io/one:1", {{base}, "one"});
  auto second = begin("test.io/two:1", {{base}, "two"});
  send(*first, 0, base.compressed);
  send(*second, 0, base.compressed);
  ASSERT_TRUE(commit(*second));
  ASSERT_TRUE(commit(*first));
  first = nullptr;
  second = nullptr;
  EXPECT_EQ(countIn("layers"), 1U);
  EXPECT_EQ(images().list().size(), 2U);
}

TEST_F(IntakeTest, HeldLayersOutliveTheirImage) {
  TestLayer base = TestLayer::of("base");
  TestLayer top = TestLayer::of("top");
  ASSERT_TRUE(pull("test.io/one:1", {{base}, "one"}));
  auto second = begin("test.io/two:1", {{base, top}, "two"});
  ASSERT_TRUE(images().remove("test.io/one:1"));
  send(*second, 0, top.compressed);
  ASSERT_TRUE(commit(*second));
  EXPECT_EQ(countIn("layers"), 2U);
}

TEST_F(IntakeTest, HeldLayersGoWithTheLastThatHoldsThem) {
  TestLayer base = TestLayer::of("base");
  ASSERT_TRUE(pull("test.io/one:1", {{base}, "one"}));
  auto second = begin("test.io/two:1", {{base, TestLayer::of("top")}, "two"});
  ASSERT_TRUE(images().remove("test.io/one:1"));
  EXPECT_EQ(countIn("layers"), 1U);
  second = nullptr;
  EXPECT_EQ(countIn("layers"), 0U);
}

TEST_F(IntakeTest, SilentParserIsAnError) {
  TestImage unknown{{TestLayer::of("a")}};
  auto begun = images().begin(referenceOf("test.io/app:1"), unknown.documents()).wait(io_.waitScope);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Code::internal);
}

}  // namespace
}  // namespace bulkhead::storaged
