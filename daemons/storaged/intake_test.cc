// Images on their way in: whatever does not hold together leaves nothing behind.
#include <gmock/gmock.h>

#include "daemons/common/base/digest-stream.h"
#include "daemons/storaged/storage-fixture.h"
#include "ipc/limits.h"

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
  std::string half = "Z" + std::string(20 * 1024 * 1024, 'x');
  TestLayer layer{"Z" + half, digestOf(half + half)};
  auto outcome = pullSending({{layer}}, layer.compressed);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::resourceExhausted);
  expectNothingStored();
}

TEST_F(IntakeTest, LayersOverTheImagesLimitAreRefused) {
  constexpr size_t size = 26 * 1024 * 1024;  // of 48 for all
  TestImage image{{TestLayer::of(std::string(size, 'x')), TestLayer::of(std::string(size, 'y'))}};
  auto intake = begin("test.io/app:1", image);
  send(*intake, 0, image.layers[0].compressed);
  send(*intake, 1, image.layers[1].compressed);
  auto outcome = commit(*intake);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::resourceExhausted);
  EXPECT_THAT(outcome.error().reason, HasSubstr("pull.max_image_bytes"));
  intake = nullptr;
  expectNothingStored();
}

TEST_F(IntakeTest, CommitWantsEveryLayer) {
  auto intake = begin("test.io/app:1", {{TestLayer::of("a"), TestLayer::of("b")}});
  send(*intake, 0, "Za");
  EXPECT_EQ(commit(*intake).error().code, Code::failedPrecondition);
  EXPECT_FALSE(pipeOf(*intake, 0));
  EXPECT_FALSE(pipeOf(*intake, 2));
}

TEST_F(IntakeTest, DroppedIntakeLeavesNothing) {
  TestImage image{{TestLayer::of("content")}};
  auto intake = begin("test.io/app:1", image);
  Fd sink = pipeOf(*intake, 0).value();  // stays open: the fetcher hangs
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
  std::vector<std::string> names{"test.io/app:1", "test.io/app@" + top.text(), "sha256:" + stored->id.text()};
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

TEST_F(IntakeTest, HeldLayersOutliveTheirImage) {
  TestLayer base = TestLayer::of("base");
  TestLayer top = TestLayer::of("top");
  ASSERT_TRUE(pull("test.io/one:1", {{base}, "one"}));
  auto second = begin("test.io/two:1", {{base, top}, "two"});
  ASSERT_TRUE(remove("test.io/one:1"));
  send(*second, 0, top.compressed);
  ASSERT_TRUE(commit(*second));
  EXPECT_EQ(countIn("layers"), 2U);
}

TEST_F(IntakeTest, HeldLayersGoWithTheLastThatHoldsThem) {
  TestLayer base = TestLayer::of("base");
  ASSERT_TRUE(pull("test.io/one:1", {{base}, "one"}));
  auto second = begin("test.io/two:1", {{base, TestLayer::of("top")}, "two"});
  ASSERT_TRUE(remove("test.io/one:1"));
  EXPECT_EQ(countIn("layers"), 1U);
  second = nullptr;
  EXPECT_EQ(countIn("layers"), 0U);
}

// Four of an image at once; the fifth's pipe is not even given, so nobody fetches it yet.
TEST_F(IntakeTest, LayersWaitForTheirTurn) {
  TestImage image;
  for (int i = 0; i < 6; ++i) image.layers.push_back(TestLayer::of("layer " + std::to_string(i)));
  auto intake = begin("test.io/app:1", image);
  std::vector<Fd> sinks;
  for (std::uint32_t i = 0; i < 4; ++i) sinks.push_back(pipeOf(*intake, i).value());
  auto fifth = intake->layerPipe(4);
  auto sixth = intake->layerPipe(5);
  EXPECT_FALSE(fifth.poll(io_.waitScope));
  EXPECT_EQ(countIn("staging"), 4U);
  EXPECT_FALSE(pipeOf(*intake, 4));  // asked for already
  feed(std::move(sinks[2]), image.layers[2].compressed);
  feed(fifth.wait(io_.waitScope).value().value(), image.layers[4].compressed);
  feed(sixth.wait(io_.waitScope).value().value(), image.layers[5].compressed);
  for (size_t i : {0U, 1U, 3U}) feed(std::move(sinks[i]), image.layers[i].compressed);
  EXPECT_TRUE(commit(*intake));
  EXPECT_EQ(countIn("layers"), 6U);
}

TEST_F(IntakeTest, AFailureIsToldToLayersThatWait) {
  TestImage image;
  for (int i = 0; i < 5; ++i) image.layers.push_back(TestLayer::of("layer " + std::to_string(i)));
  auto intake = begin("test.io/app:1", image);
  std::vector<Fd> sinks;
  for (std::uint32_t i = 0; i < 4; ++i) sinks.push_back(pipeOf(*intake, i).value());
  auto fifth = intake->layerPipe(4);
  feed(std::move(sinks[0]), "Zlayer X");
  auto refused = fifth.wait(io_.waitScope);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "layers[0].digest");
  sinks.clear();
  intake = nullptr;
  expectNothingStored();
}

// Eight on the node, whoever's they are.
TEST_F(IntakeTest, ImagesWaitForEachOther) {
  std::vector<kj::Own<Intake>> intakes;
  std::vector<Fd> sinks;
  for (int i = 0; i < 3; ++i) {
    TestImage image{{}, "user" + std::to_string(i)};
    for (int j = 0; j < 4; ++j)
      image.layers.push_back(TestLayer::of(std::to_string(i) + "/" + std::to_string(j)));
    intakes.push_back(begin("test.io/app:" + std::to_string(i), image));
    if (i == 2) break;
    for (std::uint32_t j = 0; j < 4; ++j) sinks.push_back(pipeOf(*intakes.back(), j).value());
  }
  auto ninth = intakes[2]->layerPipe(0);
  EXPECT_FALSE(ninth.poll(io_.waitScope));
  intakes[0] = nullptr;  // its places go with it
  EXPECT_TRUE(ninth.wait(io_.waitScope));
}

TEST_F(IntakeTest, ADroppedCommitGivesUpWhileLayersArrive) {
  auto intake = begin("test.io/app:1", {{TestLayer::of("content")}});
  Fd sink = pipeOf(*intake, 0).value();  // stays open: the fetcher hangs
  {
    auto committed = intake->commit();
    EXPECT_FALSE(committed.poll(io_.waitScope));
    intake = nullptr;  // as when cri's connection ends
    EXPECT_EQ(images().pulls().size(), 1U);
  }
  EXPECT_TRUE(images().pulls().empty());
  expectNothingStored();
}

TEST_F(IntakeTest, ALayerOverTheLimitIsRefusedBeforeItIsFetched) {
  TestLayer layer{std::string(33 * 1024 * 1024, 'x'), digestOf("whatever"), Codec::GZIP};
  TestImage image{{layer}};
  publish(image);
  auto begun = images().begin(referenceOf("test.io/app:1"), image.documents(), "").wait(io_.waitScope);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Code::resourceExhausted);
  EXPECT_EQ(begun.error().field, "manifest.layers[0].size");
}

TEST_F(IntakeTest, ImagesComingInAreCountedFromTheFirstLookToTheLastReference) {
  std::vector<TestImage> images;
  std::vector<kj::Promise<Outcome<kj::Own<Intake>>>> begun;
  TestImage image{{TestLayer::of("a")}};
  publish(image);
  auto beginOne = [&]() { return this->images().begin(referenceOf("test.io/app:1"), image.documents(), ""); };
  for (size_t i = 0; i < limits::imagesComingIn; ++i) begun.push_back(beginOne());
  EXPECT_EQ(beginOne().wait(io_.waitScope).error().code, Code::resourceExhausted);  // nothing is parsed yet
  std::vector<kj::Own<Intake>> intakes;
  for (auto& one : begun) intakes.push_back(one.wait(io_.waitScope).value());
  auto another = kj::addRef(*intakes.front());
  intakes.erase(intakes.begin());
  EXPECT_EQ(beginOne().wait(io_.waitScope).error().code, Code::resourceExhausted);
  another = nullptr;
  EXPECT_TRUE(beginOne().wait(io_.waitScope));
}

// A worker that took everything and neither answers nor ends: its thread must not stay with it.
TEST_F(IntakeTest, AWorkerThatSleepsIsGivenUp) {
  TestLayer layer = TestLayer::of("SLEEP");
  auto intake = begin("test.io/app:1", {{layer}});
  send(*intake, 0, layer.compressed);
  auto committed = intake->commit();
  waitABit();
  EXPECT_FALSE(committed.poll(io_.waitScope));
  committed = nullptr;
  intake = nullptr;
  expectNothingStored();
}

TEST_F(IntakeTest, SilentParserIsAnError) {
  TestImage unknown{{TestLayer::of("a")}};
  auto begun = images().begin(referenceOf("test.io/app:1"), unknown.documents(), "").wait(io_.waitScope);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Code::internal);
}

}  // namespace
}  // namespace bulkhead::storaged
