#include "daemons/storaged/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "daemons/common/base/digest-stream.h"

namespace bulkhead::storaged {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class IndexTest : public testing::Test {
 protected:
  IndexTest() : directory_(::mkdtemp(pattern_.data())) {}
  ~IndexTest() override { std::filesystem::remove_all(directory_); }

  static LayerRow layer(const std::string& content) {
    return {LayerName::generate(), digestOf(content), {4096, 1, content.size()}};
  }
  static ImageRow image(const std::string& config) {
    return {ImageId::parse(digestOf(config).hex(), "").value(),
            digestOf("manifest of " + config),
            10,
            "me",
            config,
            "{}",
            {{"org.example.note", "of " + config}},
            false};
  }
  std::string pattern_ = std::filesystem::temp_directory_path() / "index-test-XXXXXX";
  std::string directory_;
  std::string path_ = directory_ + "/bulkhead.sqlite";
};

TEST_F(IndexTest, RefusesAFileOfANewerVersion) {
  Database(path_).execute("PRAGMA user_version = 99");
  EXPECT_THROW(Index{path_}, std::runtime_error);
}

TEST_F(IndexTest, CommitWithoutALayerChangesNothing) {
  Index index(path_);
  LayerRow base = layer("base");
  EXPECT_THROW(index.commitImage(image("c"), {base}, {digestOf("other")}, {"a/b:1"}), std::logic_error);
  EXPECT_THAT(index.images(), IsEmpty());
  EXPECT_THAT(index.layers(), IsEmpty());
}

TEST_F(IndexTest, SurvivesReopening) {
  LayerRow base = layer("base");
  ImageRow stored = image("c");
  ASSERT_TRUE(Index(path_).commitImage(stored, {base}, {base.diffId}, {"a/b:1", "a/b@sha256:x"}));
  Index again(path_);
  auto view = again.image(stored.id);
  ASSERT_TRUE(view);
  EXPECT_THAT(view->tags, ElementsAre("a/b:1"));
  EXPECT_THAT(view->digests, ElementsAre("a/b@sha256:x"));
  EXPECT_EQ(view->size, 10U + 4U);
  EXPECT_EQ(view->config, "c");
  EXPECT_EQ(again.images().at(0).user, "me");
  EXPECT_EQ(again.images().at(0).config, "");
  EXPECT_EQ(again.layersTotal(), (Size{4096, 1}));
  EXPECT_EQ(again.document(stored.id), "{}");
  EXPECT_EQ(view->annotations, stored.annotations);
  again.forgetImage(stored.id);
  EXPECT_EQ(again.document(stored.id), "");
}

TEST_F(IndexTest, NoContainerIsOnAnArtifact) {
  Index index(path_);
  LayerRow file = layer("file");
  ImageRow artifact = image("c");
  artifact.artifact = true;
  ASSERT_TRUE(index.commitImage(artifact, {file}, {file.diffId}, {"a/b:1"}));
  EXPECT_TRUE(index.image(artifact.id)->artifact);
  EXPECT_TRUE(index.images().at(0).artifact);
  LayerRow base = layer("base");
  ASSERT_TRUE(index.commitImage(image("d"), {base}, {base.diffId}, {"a/c:1"}));
  EXPECT_FALSE(index.image(image("d").id)->artifact);
  ContainerRow container{ContainerId::generate(), artifact.id, {}};
  EXPECT_EQ(index.mayAdd(container).error().code, Code::failedPrecondition);
  container = {container.id, image("d").id, {artifact.id}};
  EXPECT_TRUE(index.mayAdd(container));
}

TEST_F(IndexTest, NamesMove) {
  Index index(path_);
  LayerRow base = layer("base");
  ASSERT_TRUE(index.commitImage(image("old"), {base}, {base.diffId}, {"a/b:1", "a/b@sha256:old"}));
  ASSERT_TRUE(index.commitImage(image("new"), {}, {base.diffId}, {"a/b:1", "a/b@sha256:new"}));
  EXPECT_EQ(index.imageNamed("a/b:1"), image("new").id);
  EXPECT_THAT(index.image(image("old").id)->tags, IsEmpty());
  EXPECT_THAT(index.image(image("old").id)->digests, ElementsAre("a/b@sha256:old"));
}

// An image's parse worker, taken over, tells of another image's config.
TEST_F(IndexTest, AStoredImageKeepsItsMeaning) {
  Index index(path_);
  LayerRow base = layer("base");
  LayerRow evil = layer("evil");
  ImageRow stored = image("c");
  ASSERT_TRUE(index.commitImage(stored, {base}, {base.diffId}, {"a/b:1"}));
  ImageRow changed = stored;
  changed.config = "another";
  EXPECT_EQ(index.commitImage(changed, {}, {base.diffId}, {"evil/b:1"}).error().code,
            Code::failedPrecondition);
  for (const std::vector<Digest>& ids :
       {std::vector<Digest>{evil.diffId}, {base.diffId, evil.diffId}, std::vector<Digest>{}}) {
    EXPECT_FALSE(index.commitImage(stored, {evil}, ids, {"evil/b:1"}));
  }
  EXPECT_EQ(index.image(stored.id)->config, "c");
  EXPECT_THAT(index.layers(), ElementsAre(base.name));
  EXPECT_FALSE(index.imageNamed("evil/b:1"));
  EXPECT_TRUE(index.commitImage(stored, {}, {base.diffId}, {"a/b:2"}));
}

TEST_F(IndexTest, FindsByManifestInTheSameRepositoryOnly) {
  Index index(path_);
  LayerRow base = layer("base");
  ImageRow stored = image("c");
  ASSERT_TRUE(index.commitImage(stored, {base}, {base.diffId}, {"a/b@sha256:top"}));
  EXPECT_EQ(index.imageWithManifest(stored.manifestDigest, "a/b"), stored.id);
  EXPECT_FALSE(index.imageWithManifest(stored.manifestDigest, "a/bb"));
  EXPECT_FALSE(index.imageWithManifest(stored.manifestDigest, "a"));
  // The same config under another manifest: both lead to it.
  ImageRow again = stored;
  again.manifestDigest = digestOf("another manifest");
  ASSERT_TRUE(index.commitImage(again, {}, {base.diffId}, {"a/b@sha256:other"}));
  EXPECT_EQ(index.imageWithManifest(stored.manifestDigest, "a/b"), stored.id);
  EXPECT_EQ(index.imageWithManifest(again.manifestDigest, "a/b"), stored.id);
  index.forgetImage(stored.id);
  EXPECT_FALSE(index.imageWithManifest(again.manifestDigest, "a/b"));
}

TEST_F(IndexTest, TheFirstLayerWithADiffIdStays) {
  Index index(path_);
  LayerRow first = layer("base");
  LayerRow second = layer("base");
  ASSERT_TRUE(index.commitImage(image("one"), {first}, {first.diffId}, {"a:1"}));
  ASSERT_TRUE(index.commitImage(image("two"), {second}, {second.diffId}, {"b:1"}));
  EXPECT_EQ(index.layerOf(first.diffId), first.name);
  EXPECT_THAT(index.layers(), ElementsAre(first.name));
}

TEST_F(IndexTest, LayersGoWithTheirLastUser) {
  Index index(path_);
  LayerRow shared = layer("shared");
  LayerRow own = layer("own");
  ASSERT_TRUE(index.commitImage(image("one"), {shared, own}, {shared.diffId, own.diffId}, {"a:1"}));
  ASSERT_TRUE(index.commitImage(image("two"), {}, {shared.diffId}, {"b:1"}));
  index.forgetImage(image("one").id);
  EXPECT_THAT(index.unreferencedLayers(), ElementsAre(own.name));
  index.forgetImage(image("two").id);
  EXPECT_THAT(index.unreferencedLayers(), UnorderedElementsAre(own.name, shared.name));
  index.forgetLayers({own.name, shared.name});
  EXPECT_THAT(index.layers(), IsEmpty());
}

TEST_F(IndexTest, ContainersKeepTheirLayers) {
  Index index(path_);
  LayerRow base = layer("base");
  ImageRow stored = image("c");
  ASSERT_TRUE(index.commitImage(stored, {base}, {base.diffId}, {"a:1"}));
  auto id = ContainerId::generate();
  index.addContainer({id, stored.id, {}});
  EXPECT_EQ(index.containerOn(stored.id), id);
  EXPECT_THAT(index.removeImage(stored.id).error().reason, HasSubstr(id.text()));
  index.forgetImage(stored.id);
  EXPECT_THAT(index.unreferencedLayers(), IsEmpty());
  index.removeContainer(id);
  EXPECT_THAT(index.unreferencedLayers(), ElementsAre(base.name));
}

TEST_F(IndexTest, LayersBeneathAreTopmostFirstAndOnce) {
  Index index(path_);
  LayerRow a = layer("a");
  LayerRow b = layer("b");
  ImageRow stored = image("c");
  ASSERT_TRUE(index.commitImage(stored, {a, b}, {a.diffId, b.diffId, a.diffId}, {"a:1"}));
  EXPECT_EQ(index.layersOf(stored.id), (std::vector{a.name, b.name}));
}

TEST_F(IndexTest, ALostLayerIsNoticed) {
  Index index(path_);
  LayerRow a = layer("a");
  LayerRow b = layer("b");
  ImageRow stored = image("c");
  ASSERT_TRUE(index.commitImage(stored, {a, b}, {a.diffId, b.diffId}, {"a:1"}));
  EXPECT_THAT(index.imagesOn(b.name), ElementsAre(stored.id));
  index.forgetLayers({b.name});
  EXPECT_FALSE(index.layersOf(stored.id));
}

}  // namespace
}  // namespace bulkhead::storaged
