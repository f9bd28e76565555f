#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemons/common/base/digest-stream.h"
#include "daemons/storaged/additional-import.h"

namespace bulkhead::storaged {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

LayerRow layer(const std::string& content) {
  return {LayerName::generate(), digestOf(content), {4096, 1, content.size()}};
}

ImageRow image(const std::string& config) {
  return {ImageId::parse(digestOf(config).hex(), "").value(),
          digestOf("manifest of " + config),
          10,
          "me",
          config,
          "{}",
          {{"org.example.note", "of " + config}}};
}

class AdditionalTest : public testing::Test {
 protected:
  AdditionalTest() : directory_(::mkdtemp(pattern_.data())) { fs::permissions(other_, fs::perms(0755)); }
  ~AdditionalTest() override { fs::remove_all(directory_); }

  std::string made(const std::string& store) const {
    fs::create_directories(directory_ + store + "/layers");
    return directory_ + store;
  }
  // In the other store, with what lies on disk.
  void addOther(const ImageRow& row, const std::vector<LayerRow>& layers,
                const std::vector<std::string>& names) {
    std::vector<Digest> diffIds;
    for (const LayerRow& each : layers) {
      diffIds.push_back(each.diffId);
      fs::create_directories(other_ + "/layers/" + each.name.text());
    }
    ASSERT_TRUE(Index(other_ + "/bulkhead.sqlite").commitImage(row, layers, diffIds, names));
  }
  std::vector<AdditionalStore> open(const std::vector<std::string>& paths) {
    return openAdditional(directory_ + "/own", paths, ::getuid(), ::getgid());
  }
  void import(const std::vector<std::string>& paths) { importAdditional(own_, open(paths)); }

  std::string pattern_ = fs::temp_directory_path() / "additional-test-XXXXXX";
  std::string directory_;
  std::string other_ = made("/other");
  Index own_{made("/own") + "/bulkhead.sqlite"};
};

TEST_F(AdditionalTest, ItsImagesAreUsedAndStay) {
  LayerRow base = layer("base");
  LayerRow top = layer("top!");
  ImageRow stored = image("c");
  addOther(stored, {base, top}, {"a.example/b:1", "a.example/b@" + digestOf("m").text(), "no name"});
  import({other_});
  import({other_});  // as at the next start
  auto view = own_.image(stored.id);
  ASSERT_TRUE(view);
  EXPECT_THAT(view->tags, ElementsAre("a.example/b:1"));
  EXPECT_THAT(view->digests, SizeIs(1));
  EXPECT_EQ(view->size, 10U + 4U + 4U);
  EXPECT_EQ(view->config, "c");
  EXPECT_EQ(view->annotations, stored.annotations);
  EXPECT_EQ(own_.document(stored.id), "{}");
  EXPECT_EQ(own_.imageNamed("a.example/b:1"), stored.id);
  EXPECT_THAT(own_.manifestsOf(stored.id), ElementsAre(stored.manifestDigest));
  EXPECT_THAT(own_.layersOf(stored.id).value(), ElementsAre(top.name, base.name));
  EXPECT_EQ(own_.layerOf(base.diffId), base.name);  // by diff id too: a pull does not fetch it
  EXPECT_TRUE(own_.isElsewhere(base.name));
  // Nothing of it lies here, so nothing is swept, counted or removed.
  EXPECT_THAT(own_.layers(), IsEmpty());
  EXPECT_THAT(own_.unreferencedLayers(), IsEmpty());
  EXPECT_EQ(own_.layersTotal(), (Size{0, 0}));
  EXPECT_EQ(own_.removeImage(stored.id).error().code, Code::failedPrecondition);
  EXPECT_TRUE(own_.image(stored.id));
  for (const char* part : {"", "-wal", "-shm"})
    EXPECT_FALSE(fs::exists(directory_ + "/own/additional-0.sqlite" + part)) << part;
}

TEST_F(AdditionalTest, WhatIsHereAlreadyStays) {
  LayerRow mine = layer("base");
  LayerRow theirs = layer("base");
  ImageRow ours = image("ours");
  ASSERT_TRUE(own_.commitImage(ours, {mine}, {mine.diffId}, {"a.example/b:1"}));
  addOther(ours, {theirs}, {"a.example/b:1", "a.example/c:1"});
  addOther(image("new"), {theirs}, {"a.example/b:1", "a.example/d:1"});
  import({other_});
  EXPECT_FALSE(own_.isElsewhere(ours.id));
  EXPECT_EQ(own_.imageNamed("a.example/b:1"), ours.id);
  EXPECT_EQ(own_.imageNamed("a.example/d:1"), image("new").id);
  EXPECT_THAT(own_.layersOf(image("new").id).value(), ElementsAre(mine.name));
  EXPECT_TRUE(own_.removeImage(ours.id));
  EXPECT_THAT(own_.unreferencedLayers(), IsEmpty());  // the other image has come to need it
}

TEST_F(AdditionalTest, WhatIsNoLongerThereIsForgotten) {
  LayerRow base = layer("base");
  ImageRow stored = image("c");
  addOther(stored, {base}, {"a.example/b:1"});
  import({other_});
  // Pulled, on a layer that lies elsewhere and one that was fetched.
  LayerRow fetched = layer("fetched");
  ASSERT_TRUE(own_.commitImage(image("own"), {fetched}, {base.diffId, fetched.diffId}, {"a.example/own:1"}));
  import({other_});
  EXPECT_THAT(own_.images(), SizeIs(2));
  import({});
  EXPECT_THAT(own_.images(), IsEmpty());
  EXPECT_FALSE(own_.layerOf(base.diffId));
  EXPECT_THAT(own_.unreferencedLayers(), ElementsAre(fetched.name));
}

TEST_F(AdditionalTest, AnImageThatLacksALayerIsNone) {
  LayerRow base = layer("base");
  LayerRow lost = layer("lost");
  addOther(image("whole"), {base}, {"a.example/whole:1"});
  addOther(image("broken"), {base, lost}, {"a.example/broken:1"});
  fs::remove_all(other_ + "/layers/" + lost.name.text());
  import({other_});
  EXPECT_TRUE(own_.image(image("whole").id));
  EXPECT_FALSE(own_.image(image("broken").id));
}

TEST_F(AdditionalTest, ABrokenStoreIsLeftOut) {
  addOther(image("c"), {layer("base")}, {"a.example/b:1"});
  std::ofstream(other_ + "/bulkhead.sqlite", std::ios::trunc)
      << "This is no database, whatever it is called.";
  fs::remove(other_ + "/bulkhead.sqlite-wal");
  import({other_, directory_ + "/absent"});
  EXPECT_THAT(own_.images(), IsEmpty());
  fs::remove(other_ + "/bulkhead.sqlite");
  EXPECT_THAT(open({other_}), IsEmpty());
  Database(other_ + "/bulkhead.sqlite").execute("PRAGMA user_version = 99");
  import({other_});
  EXPECT_THAT(own_.images(), IsEmpty());
}

TEST_F(AdditionalTest, OnlyRootsOwnDirectoryIsRead) {
  addOther(image("c"), {layer("base")}, {"a.example/b:1"});
  EXPECT_THAT(open({other_}), SizeIs(1));
  ASSERT_EQ(::chmod(other_.c_str(), 0775), 0);
  EXPECT_THAT(open({other_}), IsEmpty());
  ASSERT_EQ(::chmod(other_.c_str(), 0757), 0);
  EXPECT_THAT(open({other_}), IsEmpty());
  ASSERT_EQ(::chmod(other_.c_str(), 0755), 0);
  ASSERT_EQ(::chown(other_.c_str(), 65534, 65534), 0);
  EXPECT_THAT(open({other_}), IsEmpty());
}

// The power went before the index was checkpointed: what counts is still in its log.
TEST_F(AdditionalTest, TheLogOfAnIndexIsReadToo) {
  addOther(image("first"), {layer("base")}, {"a.example/first:1"});
  Index held(other_ + "/bulkhead.sqlite");  // so that nobody else's end moves the log into the file
  addOther(image("second"), {layer("more")}, {"a.example/second:1"});
  ASSERT_GT(fs::file_size(other_ + "/bulkhead.sqlite-wal"), 0U);
  import({other_});
  EXPECT_THAT(own_.images(), SizeIs(2));
}

}  // namespace
}  // namespace bulkhead::storaged
