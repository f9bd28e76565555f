// After a crash: what the index names is there, and nothing else is.
#include <filesystem>

#include "daemons/storaged/storage-fixture.h"

namespace bulkhead::storaged {
namespace {

namespace fs = std::filesystem;

class SweepTest : public StorageTest {
 protected:
  void leave(const std::string& path) { fs::create_directories(path_ + "/" + path + "/diff"); }
};

TEST_F(SweepTest, LeftoversAreErased) {
  leave("staging/" + LayerName::generate().text());
  leave("staging/not a layer name");
  leave("layers/" + LayerName::generate().text());
  leave("trash/" + LayerName::generate().text());
  leave("containers/" + ContainerId::generate().text());
  restart();
  for (const char* directory : {"staging", "layers", "trash", "containers"})
    EXPECT_EQ(countIn(directory), 0U);
}

TEST_F(SweepTest, WhatTheIndexNamesStays) {
  TestImage image{{TestLayer::of("a")}};
  auto stored = pull("test.io/app:1", image);
  ASSERT_TRUE(stored);
  ASSERT_TRUE(create({ContainerId::generate(), stored->id, {}}));
  restart();
  EXPECT_EQ(images().list().size(), 1U);
  EXPECT_EQ(containers().list().size(), 1U);
  EXPECT_EQ(countIn("layers"), 1U);
  EXPECT_EQ(countIn("containers"), 1U);
}

TEST_F(SweepTest, AnInterruptedIntakeIsThrownAway) {
  auto intake = begin("test.io/app:1", {{TestLayer::of("a")}});
  Fd sink = pipeOf(*intake, 0).value();
  intake = nullptr;
  restart();
  EXPECT_EQ(countIn("staging"), 0U);
  EXPECT_EQ(countIn("trash"), 0U);
}

TEST_F(SweepTest, AnImageWithALostLayerIsForgottenAndCanBePulledAgain) {
  TestImage image{{TestLayer::of("a"), TestLayer::of("b")}};
  auto stored = pull("test.io/app:1", image);
  ASSERT_TRUE(stored);
  auto id = ContainerId::generate();
  ASSERT_TRUE(create({id, stored->id, {}}));
  fs::remove_all(path_ + "/layers/" + containers().layersBeneath(id, std::nullopt)->front().text());
  restart();
  EXPECT_TRUE(images().list().empty());
  EXPECT_EQ(countIn("layers"), 1U);  // a container may still be on it
  EXPECT_EQ(containers().layersBeneath(id, std::nullopt).error().code, Code::failedPrecondition);

  ASSERT_TRUE(pull("test.io/app:1", image));
  EXPECT_EQ(containers().layersBeneath(id, std::nullopt)->size(), 2U);
}

TEST_F(SweepTest, AContainerWithoutDirectoryGetsOne) {
  auto stored = pull("test.io/app:1", {{TestLayer::of("a")}});
  ASSERT_TRUE(stored);
  ASSERT_TRUE(create({ContainerId::generate(), stored->id, {}}));
  for (const auto& entry : fs::directory_iterator(path_ + "/containers")) fs::remove(entry);
  restart();
  EXPECT_EQ(countIn("containers"), 1U);
}

TEST_F(SweepTest, WritableLayersAreIdempotentAndHoldTheirImage) {
  auto stored = pull("test.io/app:1", {{TestLayer::of("a")}});
  auto other = pull("test.io/other:1", {{TestLayer::of("b")}, "other"});
  ASSERT_TRUE(stored && other);
  auto id = ContainerId::generate();
  EXPECT_EQ(create({id, ImageId::generate(), {}}).error().code, Code::notFound);
  ASSERT_TRUE(create({id, stored->id, {}}));
  ASSERT_TRUE(create({id, stored->id, {}}));
  EXPECT_EQ(create({id, other->id, {}}).error().code, Code::alreadyExists);
  EXPECT_EQ(remove("test.io/app:1").error().code, Code::failedPrecondition);
  remove(id);
  remove(id);
  EXPECT_EQ(countIn("containers"), 0U);
  ASSERT_TRUE(remove("test.io/app:1"));
  ASSERT_TRUE(remove("test.io/app:1"));
  EXPECT_EQ(countIn("layers"), 1U);
}

// A volume of another image: its layers stay, and the mounter is told of them, for that container alone.
TEST_F(SweepTest, AnImageThatIsMountedStays) {
  TestImage root{{TestLayer::of("root")}};
  TestImage volume{{TestLayer::of("one"), TestLayer::of("two")}};
  volume.user = "volume";
  auto rootId = pull("registry.example/root:1", root)->id;
  auto volumeId = pull("registry.example/volume:1", volume)->id;
  ContainerId id = ContainerId::generate();
  EXPECT_EQ(create({id, rootId, {ImageId::generate()}}).error().code, Code::notFound);
  ASSERT_TRUE(create({id, rootId, {volumeId}}));
  ASSERT_TRUE(create({id, rootId, {volumeId}}));
  EXPECT_EQ(create({id, rootId, {}}).error().code, Code::alreadyExists);
  EXPECT_EQ(remove("registry.example/volume:1").error().code, Code::failedPrecondition);
  restart();
  EXPECT_EQ(containers().layersBeneath(id, volumeId)->size(), 2U);
  EXPECT_EQ(containers().layersBeneath(id, std::nullopt)->size(), 1U);
  EXPECT_EQ(containers().layersBeneath(id, rootId).error().field, "imageId");
  remove(id);
  EXPECT_TRUE(remove("registry.example/volume:1"));
}

}  // namespace
}  // namespace bulkhead::storaged
