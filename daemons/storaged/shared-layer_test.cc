// One layer that several images miss: moved once, and nobody is worse off for having waited.
#include <gmock/gmock.h>

#include "daemons/common/base/digest-stream.h"
#include "daemons/common/base/io.h"
#include "daemons/storaged/storage-fixture.h"

namespace bulkhead::storaged {
namespace {

class SharedLayerTest : public StorageTest {
 protected:
  using Given = kj::Promise<Outcome<Intake::Sink>>;
  kj::Own<Intake> image(const std::string& name, std::vector<TestLayer> layers) {
    return begin("test.io/" + name + ":1", {std::move(layers), name});
  }
  bool waits(Given& given) {
    waitABit();
    return !given.poll(io_.waitScope);
  }
  Fd sinkOf(Given& given) { return given.wait(io_.waitScope).value().value(); }
  bool arrivedIn(Given& given) { return !given.wait(io_.waitScope).value().has_value(); }

  const TestLayer base_ = TestLayer::of("base");
};

TEST_F(SharedLayerTest, IsMovedOnce) {
  auto first = image("one", {base_});
  auto second = image("two", {base_, TestLayer::of("top")});
  Fd sink = pipeOf(*first, 0).value();
  auto waiting = second->layerPipe(0);
  EXPECT_TRUE(waits(waiting));
  send(*second, 1, "Ztop");
  feed(std::move(sink), base_.compressed);
  EXPECT_TRUE(arrivedIn(waiting));
  ASSERT_TRUE(commit(*second));
  EXPECT_EQ(second->view().bytesDone, base_.compressed.size() + 4);
  ASSERT_TRUE(commit(*first));
  first = nullptr;
  second = nullptr;
  EXPECT_EQ(countIn("layers"), 2U);
  EXPECT_EQ(countIn("staging"), 0U);
  EXPECT_EQ(images().list().size(), 2U);
}

TEST_F(SharedLayerTest, IsThereForWhoeverComesBeforeTheCommit) {
  auto first = image("one", {base_});
  send(*first, 0, base_.compressed);
  auto committed = first->commit();
  auto late = image("two", {base_});
  auto pipe = late->layerPipe(0);
  ASSERT_TRUE(committed.wait(io_.waitScope));
  EXPECT_TRUE(arrivedIn(pipe));
  EXPECT_TRUE(commit(*late));
  EXPECT_EQ(countIn("layers"), 1U);
}

TEST_F(SharedLayerTest, TwoBlobsOfOneContentKeepTheFirst) {
  TestLayer plain{"base", digestOf("base"), Codec::NONE};
  auto first = image("one", {base_});
  auto second = image("two", {plain});
  send(*first, 0, base_.compressed);
  send(*second, 0, plain.compressed);
  ASSERT_TRUE(commit(*second));
  ASSERT_TRUE(commit(*first));
  first = nullptr;
  second = nullptr;
  EXPECT_EQ(countIn("layers"), 1U);
  EXPECT_EQ(images().list().size(), 2U);
}

TEST_F(SharedLayerTest, IsTakenOverFromOneThatLeaves) {
  auto first = image("one", {base_});
  auto second = image("two", {base_});
  auto third = image("three", {base_});
  Fd lost = pipeOf(*first, 0).value();
  auto heir = second->layerPipe(0);
  auto waiting = third->layerPipe(0);
  EXPECT_TRUE(waits(heir));
  first = nullptr;
  feed(sinkOf(heir), base_.compressed);
  EXPECT_TRUE(arrivedIn(waiting));
  EXPECT_TRUE(commit(*third));
  EXPECT_TRUE(commit(*second));
  EXPECT_EQ(countIn("layers"), 1U);
}

TEST_F(SharedLayerTest, IsTakenOverFromOneThatFails) {
  auto first = image("one", {base_});
  auto second = image("two", {base_});
  Fd sink = pipeOf(*first, 0).value();
  auto heir = second->layerPipe(0);
  feed(std::move(sink), "Zb4se");
  auto failed = commit(*first);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().field, "layers[0].digest");
  feed(sinkOf(heir), base_.compressed);
  EXPECT_TRUE(commit(*second));
}

TEST_F(SharedLayerTest, OneWhoWaitsMayLeave) {
  auto first = image("one", {base_});
  auto second = image("two", {base_});
  Fd sink = pipeOf(*first, 0).value();
  {
    auto waiting = second->layerPipe(0);
    EXPECT_TRUE(waits(waiting));
  }
  second = nullptr;
  feed(std::move(sink), base_.compressed);
  EXPECT_TRUE(commit(*first));
}

// A layer of a hostile registry that trickles, listed under the digest of a popular base.
TEST_F(SharedLayerTest, ATrickleIsOvertaken) {
  parts().comingIn.setPatience(100 * kj::MILLISECONDS);
  auto hostile = image("one", {base_});
  auto honest = image("two", {base_});
  auto third = image("three", {base_});
  Fd trickle = pipeOf(*hostile, 0).value();
  auto overtaking = honest->layerPipe(0);
  auto waiting = third->layerPipe(0);
  feed(sinkOf(overtaking), base_.compressed);
  EXPECT_TRUE(commit(*honest));
  auto given = waiting.wait(io_.waitScope).value();
  given.reset();  // it may have been about to overtake, too
  EXPECT_EQ(third->view().layersDone, 1U);
  hostile = nullptr;
  third = nullptr;
  honest = nullptr;
  EXPECT_EQ(countIn("layers"), 1U);
  EXPECT_EQ(countIn("staging"), 0U);
}

// Its own transfer is given up, which is no failure.
TEST_F(SharedLayerTest, TheOvertakenNeedsNothingMore) {
  parts().comingIn.setPatience(100 * kj::MILLISECONDS);
  auto slow = image("one", {base_, TestLayer::of("top")});
  auto fast = image("two", {base_});
  Fd trickle = pipeOf(*slow, 0).value();
  auto overtaking = fast->layerPipe(0);
  feed(sinkOf(overtaking), base_.compressed);
  ASSERT_TRUE(commit(*fast));
  waitABit();
  EXPECT_FALSE(writeAll(trickle.get(), "Z"));  // nobody reads it any more
  send(*slow, 1, "Ztop");
  ASSERT_TRUE(commit(*slow));
  slow = nullptr;
  EXPECT_EQ(countIn("layers"), 2U);
  EXPECT_EQ(countIn("staging"), 0U);
}

TEST_F(SharedLayerTest, WhoClaimsAnotherSizeSharesNothing) {
  TestImage honest{{base_}, "honest"};
  TestImage lying{{base_}, "lying"};
  lying.layers[0].claimedSize = 2;
  auto first = begin("test.io/lying:1", lying);
  auto second = begin("test.io/honest:1", honest);
  Fd sink = pipeOf(*first, 0).value();
  send(*second, 0, base_.compressed);
  EXPECT_TRUE(commit(*second));
}

TEST_F(SharedLayerTest, OutlivesTheImageItWasCommittedWith) {
  auto first = image("one", {base_});
  auto second = image("two", {base_});
  send(*first, 0, base_.compressed);
  ASSERT_TRUE(commit(*first));
  first = nullptr;
  ASSERT_TRUE(remove("test.io/one:1"));
  EXPECT_EQ(countIn("layers"), 1U);
  ASSERT_TRUE(commit(*second));
  second = nullptr;
  EXPECT_EQ(countIn("layers"), 1U);
  ASSERT_TRUE(remove("test.io/two:1"));
  EXPECT_EQ(countIn("layers"), 0U);
}

TEST_F(SharedLayerTest, GoesWithTheLastThatMissedIt) {
  auto first = image("one", {base_});
  auto second = image("two", {base_});
  send(*first, 0, base_.compressed);
  ASSERT_TRUE(commit(*first));
  first = nullptr;
  ASSERT_TRUE(remove("test.io/one:1"));
  second = nullptr;
  EXPECT_EQ(countIn("layers"), 0U);
  EXPECT_EQ(countIn("trash"), 0U);
}

// A commit that is refused after its layers were moved takes nobody else's with it.
TEST_F(SharedLayerTest, ARefusedCommitLeavesItToTheOther) {
  TestImage known{{TestLayer::of("top")}, "known"};
  known.remark = " " + base_.diffId.text() + " " + digestOf(base_.compressed).text();
  ASSERT_TRUE(pull("test.io/known:1", known));
  TestImage liar{{base_}, "known"};
  liar.disguise = std::make_shared<TestImage>(known);
  auto first = begin("test.io/liar:1", liar);
  auto second = image("two", {base_});
  send(*first, 0, base_.compressed);
  EXPECT_EQ(commit(*first).error().code, Code::failedPrecondition);
  first = nullptr;
  ASSERT_TRUE(commit(*second));
  EXPECT_EQ(countIn("layers"), 2U);
}

}  // namespace
}  // namespace bulkhead::storaged
