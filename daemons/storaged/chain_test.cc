// The digest chain against a parse worker that lies.
#include "daemons/storaged/chain.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include "daemons/common/base/digest-stream.h"
#include "daemons/storaged/storage-fixture.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {
namespace {

class ChainTest : public testing::Test {
 protected:
  ChainTest() {
    image_.describe(claimed_);
    image_.describe(config_);
  }
  ~ChainTest() noexcept override {}  // KJ's members may throw there, gtest's may not

  Outcome<VerifiedImage> check(const std::string& reference = "test.io/app:1") {
    return checkChain(referenceOf(reference), documents_, claimed_.asReader(), config_.asReader());
  }
  void expectRefused(const std::string& field) {
    auto outcome = check();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::failedPrecondition);
    EXPECT_EQ(outcome.error().field, field);
  }

  const std::string foreign_ = digestOf("another document").text();
  TestImage image_{{TestLayer::of("base"), TestLayer::of("top")}};
  Documents documents_ = image_.documents();
  capnp::MallocMessageBuilder message_;
  capnp::MallocMessageBuilder configMessage_;
  schema::ParsedManifest::Builder claimed_ = message_.initRoot<schema::ParsedManifest>();
  schema::ParsedConfig::Builder config_ = configMessage_.initRoot<schema::ParsedConfig>();
};

TEST_F(ChainTest, ManifestMustBeListed) {
  claimed_.initIndexEntries(1).set(0, foreign_);
  expectRefused("index.manifests");
}

TEST_F(ChainTest, ManifestMustStandInTheIndexItself) {
  documents_.index = "index of something else";
  expectRefused("index.manifests");
}

TEST_F(ChainTest, ConfigMustBeTheOneInTheManifest) {
  claimed_.setConfigDigest(foreign_);
  expectRefused("manifest.config.digest");
}

TEST_F(ChainTest, ConfigDigestMustBeOfTheConfig) {
  claimed_.setConfigDigest(
      digestOf(image_.layers[0].compressed).text());  // stands in the manifest, names another blob
  expectRefused("manifest.config.digest");
}

TEST_F(ChainTest, ConfigSizeMustHold) {
  claimed_.setConfigSize(1);
  expectRefused("manifest.config.size");
}

TEST_F(ChainTest, LayersMustStandInTheManifest) {
  claimed_.getLayers()[1].setDigest(foreign_);
  expectRefused("manifest.layers[1].digest");
}

TEST_F(ChainTest, DiffIdsMustStandInTheConfig) {
  config_.getDiffIds().set(1, foreign_);
  expectRefused("config.rootfs.diff_ids[1]");
}

// The two workers do not see each other's documents.
TEST_F(ChainTest, LayersAndDiffIdsMustMatch) {
  auto few = config_.initDiffIds(1);
  few.set(0, image_.layers[0].diffId.text());
  EXPECT_EQ(check().error().field, "config.rootfs.diff_ids");
  EXPECT_EQ(check().error().code, Code::invalidArgument);
}

TEST_F(ChainTest, ReferenceMustBeOfTheTopDocument) {
  std::string top = digestOf(documents_.index).text();
  EXPECT_TRUE(check("test.io/app@" + top));
  EXPECT_EQ(check("test.io/app@" + foreign_).error().field, "reference");
  EXPECT_EQ(check("test.io/app@" + digestOf(documents_.manifest).text()).error().field, "reference");
}

TEST_F(ChainTest, DigestsThatAreNoneAreRefused) {
  claimed_.getLayers()[0].setDigest("manifest");  // stands in the manifest
  EXPECT_EQ(check().error().code, Code::invalidArgument);
}

TEST_F(ChainTest, LayerCountIsBounded) {
  claimed_.initLayers(limits::imageLayers + 1);
  EXPECT_EQ(check().error().code, Code::resourceExhausted);
  claimed_.initLayers(0);
  EXPECT_EQ(check().error().code, Code::invalidArgument);
}

TEST_F(ChainTest, DocumentsAreBounded) {
  documents_.manifest.assign(limits::document + 1, ' ');
  EXPECT_EQ(checkSizes(documents_).error().field, "manifest");
  documents_.manifest.clear();
  EXPECT_EQ(checkSizes(documents_).error().code, Code::invalidArgument);
}

TEST_F(ChainTest, NamesFollowTheReference) {
  std::string top = digestOf(documents_.index).text();
  auto byTag = check();
  ASSERT_TRUE(byTag);
  EXPECT_EQ(byTag->names(), (std::vector<std::string>{"test.io/app@" + top, "test.io/app:1"}));
  EXPECT_EQ(byTag->id.text(), digestOf(documents_.config).hex());
  auto byBoth = check("test.io/app:1@" + top);
  ASSERT_TRUE(byBoth);
  EXPECT_EQ(byBoth->names(), (std::vector<std::string>{"test.io/app@" + top}));
}

TEST_F(ChainTest, AnArtifactIsKnownByItsManifest) {
  claimed_.setArtifact(true);
  for (auto layer : claimed_.getLayers()) layer.setFile("name");
  documents_.config = "whatever its users read in it";
  claimed_.setConfigDigest(digestOf(documents_.config).text());
  claimed_.setConfigSize(documents_.config.size());
  documents_.manifest += claimed_.getConfigDigest().cStr();
  documents_.index += digestOf(documents_.manifest).text();
  claimed_.initIndexEntries(1).set(0, digestOf(documents_.manifest).text());
  auto artifact = checkChain(referenceOf("test.io/app:1"), documents_, claimed_.asReader(), {});
  ASSERT_TRUE(artifact) << describe(artifact.error());
  EXPECT_TRUE(artifact->artifact);
  EXPECT_EQ(artifact->id.text(), artifactId(digestOf(documents_.manifest)).hex());
  EXPECT_EQ(artifact->document, "");
  EXPECT_EQ(artifact->layers[0].file, "name");
  EXPECT_EQ(artifact->layers[0].diffId, fileDiffId("name", artifact->layers[0].digest));
  EXPECT_NE(artifact->layers[0].diffId, artifact->layers[0].digest);
}

TEST_F(ChainTest, AnImageHasNoFiles) {
  claimed_.getLayers()[0].setFile("etc/passwd");
  EXPECT_EQ(check().error().field, "manifest.layers[0]");
}

TEST_F(ChainTest, AnArtifactsFilesHavePaths) {
  claimed_.setArtifact(true);
  EXPECT_EQ(check().error().field, "manifest.layers[0].annotations");
  claimed_.getLayers()[0].setFile(std::string(5000, 'x'));
  EXPECT_EQ(check().error().field, "manifest.layers[0].annotations");
}

}  // namespace
}  // namespace bulkhead::storaged
