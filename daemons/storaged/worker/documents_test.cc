#include "daemons/storaged/worker/documents.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead::worker {
namespace {

const std::string hexA = "sha256:" + std::string(64, 'a');
const std::string hexB = "sha256:" + std::string(64, 'b');

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

const std::string index =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)"
    R"({"digest":")" +
    hexA + R"(","size":7},{"digest":")" + hexB + R"(","size":8}]})";
const std::string manifest =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":)"
    R"("application/vnd.oci.image.config.v1+json","digest":")" +
    hexA +
    R"(","size":100},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":")" +
    hexB + R"(","size":4711,"urls":["http://evil/"]}]})";
const std::string config =
    R"({"os":"linux","config":{"User":"1:2","Env":["A=b"],"Entrypoint":null,"Cmd":["sh","-c"],"WorkingDir":"/w",)"
    R"("Volumes":{"/data":{}},"Labels":{"k":"v"},"StopSignal":"SIGINT"},"rootfs":{"type":"layers","diff_ids":[")" +
    hexA + R"("]},"history":[{"empty_layer":true}]})";

// Of the first refusal; empty if there is none.
std::string fieldOf(const std::string& i, const std::string& m, const std::string& c) {
  Refusal refusal{Code::invalidArgument, "", ""};
  if (auto parsed = parseManifest(i, m); !parsed) {
    refusal = parsed.error();
  } else if (auto document = parseConfig(c); !document) {
    refusal = document.error();
  }
  EXPECT_EQ(refusal.code, Code::invalidArgument);
  return refusal.field;
}
std::string indexField(const std::string& from, const std::string& to) {
  return fieldOf(replaced(index, from, to), manifest, config);
}
std::string manifestField(const std::string& from, const std::string& to) {
  return fieldOf(index, replaced(manifest, from, to), config);
}
std::string configField(const std::string& from, const std::string& to) {
  return fieldOf(index, manifest, replaced(config, from, to));
}

TEST(Documents, AreReadWhole) {
  auto read = parseManifest(index, manifest);
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->indexEntries.size(), 2U);
  EXPECT_EQ(read->configDigest.text(), hexA);
  EXPECT_EQ(read->configSize, 100U);
  ASSERT_EQ(read->layers.size(), 1U);
  EXPECT_EQ(read->layers[0].digest.text(), hexB);
  EXPECT_EQ(read->layers[0].codec, Codec::gzip);
  EXPECT_TRUE(parseManifest("", manifest));
  auto document = parseConfig(config);
  ASSERT_TRUE(document) << describe(document.error());
  ASSERT_EQ(document->diffIds.size(), 1U);
  EXPECT_EQ(document->diffIds[0].text(), hexA);
  EXPECT_EQ(document->config.user, "1:2");
  EXPECT_EQ(document->config.command.size(), 2U);
  EXPECT_TRUE(document->config.entrypoint.empty());
  EXPECT_EQ(document->config.volumes.at(0), "/data");
  EXPECT_EQ(document->config.labels.at(0).second, "v");
}

TEST(Documents, DockersNamesAreKnown) {
  std::string docker = replaced(manifest, "application/vnd.oci.image.manifest.v1+json",
                                "application/vnd.docker.distribution.manifest.v2+json");
  docker = replaced(docker, "application/vnd.oci.image.config.v1+json",
                    "application/vnd.docker.container.image.v1+json");
  docker = replaced(docker, "application/vnd.oci.image.layer.v1.tar+gzip",
                    "application/vnd.docker.image.rootfs.diff.tar.gzip");
  EXPECT_TRUE(parseManifest("", docker));
}

TEST(Documents, OneKindIsNotTakenForAnother) {  // CVE-2021-41190
  EXPECT_EQ(manifestField(R"("config")", R"("manifests":[],"config")"), "manifest.manifests");
  EXPECT_EQ(manifestField(R"("config")", R"("fsLayers":[],"config")"), "manifest.fsLayers");
  EXPECT_EQ(manifestField("image.manifest.v1", "image.index.v1"), "manifest.mediaType");
  EXPECT_EQ(indexField(R"("manifests")", R"("layers":null,"manifests")"), "index.layers");
  EXPECT_EQ(indexField(R"("manifests")", R"("config":{},"manifests")"), "index.config");
  EXPECT_EQ(indexField(R"("manifests")", R"("fsLayers":[],"manifests")"), "index.fsLayers");
  EXPECT_EQ(indexField("image.index.v1", "image.manifest.v1"), "index.mediaType");
  EXPECT_EQ(fieldOf(manifest, manifest, config), "index.layers");
  EXPECT_EQ(fieldOf("", index, config), "manifest.manifests");
  EXPECT_EQ(manifestField(R"("schemaVersion":2)", R"("schemaVersion":1)"), "manifest.schemaVersion");
  EXPECT_EQ(indexField(R"("schemaVersion":2)", R"("schemaVersion":"2")"), "index.schemaVersion");
}

TEST(Documents, AreStrictJson) {
  EXPECT_EQ(manifestField(R"("config")", R"("config":null,"config")"), "manifest");  // twice
  EXPECT_EQ(configField(R"("User")", R"("User":"","User")"), "config");
  EXPECT_EQ(configField(R"("User")", R"("\u0055ser":"","User")"), "config");
  EXPECT_EQ(fieldOf("", "", config), "manifest");
  EXPECT_EQ(fieldOf("", "[]", config), "manifest");
  EXPECT_EQ(fieldOf("", manifest + "x", config), "manifest");
  EXPECT_EQ(fieldOf("", manifest.substr(0, 50), config), "manifest");
  EXPECT_EQ(configField("1:2", "1:\xff"), "config");
  EXPECT_EQ(configField("1:2", "1\\u0000"), "config.config.User");
  EXPECT_EQ(fieldOf("", manifest, std::string(100'000, '[')), "config");
  EXPECT_EQ(configField(R"("os")", R"("deep":)" + std::string(40, '[') + std::string(40, ']') + R"(,"os")"),
            "config");
  EXPECT_EQ(manifestField("4711", "1e999"), "manifest");
}

TEST(Documents, DigestsAreParsedBeforeAnyUse) {  // CVE-2024-3727
  for (const std::string& bad :
       {std::string("sha256:../../../x"), std::string("sha256"), std::string(), hexA.substr(0, 70),
        "sha256:" + std::string(64, 'A'), "sha512:" + std::string(64, 'a')}) {
    EXPECT_EQ(indexField(hexB, bad), "index.manifests[1].digest");
    EXPECT_EQ(manifestField(hexA, bad), "manifest.config.digest");
    EXPECT_EQ(manifestField(hexB, bad), "manifest.layers[0].digest");
    EXPECT_EQ(configField(hexA, bad), "config.rootfs.diff_ids[0]");
  }
}

TEST(Documents, LayersAreBounded) {
  std::string ids;
  for (int i = 0; i < 127; ++i) ids += ",\"" + hexA + "\"";
  EXPECT_EQ(configField("\"" + hexA + "\"]", "\"" + hexA + "\"" + ids + "]"), "config.rootfs.diff_ids");
  EXPECT_EQ(configField(R"("type":"layers")", R"("type":"base")"), "config.rootfs.type");
  EXPECT_EQ(configField("rootfs", "rootfz"), "config.rootfs");
  std::string layer =
      R"({"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":")" + hexB + R"(","size":1})";
  std::string many = layer;
  for (int i = 0; i < 127; ++i) many += "," + layer;
  EXPECT_EQ(manifestField(R"("layers":[)", R"("layers":[)" + many + ","), "manifest.layers");
}

TEST(Documents, TypesAreChecked) {
  EXPECT_EQ(manifestField("tar+gzip", "tar+xz"), "manifest.layers[0].mediaType");
  EXPECT_EQ(manifestField("application/vnd.oci.image.config.v1+json", ""), "manifest.config.mediaType");
  EXPECT_EQ(manifestField("4711", "-1"), "manifest.layers[0].size");
  EXPECT_EQ(manifestField("4711", "1.5"), "manifest.layers[0].size");
  EXPECT_EQ(manifestField(R"("layers":[)", R"("layers":[7,)"), "manifest.layers[0]");
  EXPECT_EQ(configField(R"(["A=b"])", R"("A=b")"), "config.config.Env");
  EXPECT_EQ(configField(R"("A=b")", "7"), "config.config.Env[0]");
  EXPECT_EQ(configField(R"("v")", "[]"), "config.config.Labels");
  EXPECT_EQ(configField(R"({"/data":{}})", R"(["/data"])"), "config.config.Volumes");
}

const std::string artifact = replaced(
    replaced(
        replaced(manifest, "application/vnd.oci.image.config.v1+json", "application/vnd.oci.empty.v1+json"),
        "application/vnd.oci.image.layer.v1.tar+gzip", "text/plain"),
    R"("urls":["http://evil/"])", R"("annotations":{"org.opencontainers.image.title":"a/b.txt"})");

TEST(Documents, AnArtifactsLayersAreFiles) {
  auto read = parseManifest("", artifact);
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_TRUE(read->artifact);
  EXPECT_EQ(read->layers[0].file, "a/b.txt");
  EXPECT_EQ(read->layers[0].codec, Codec::none);
  auto untitled = parseManifest("", replaced(artifact, "image.title", "image.other"));
  ASSERT_TRUE(untitled);
  EXPECT_EQ(untitled->layers[0].file, std::string(64, 'b'));
  auto image = parseManifest("", manifest);
  ASSERT_TRUE(image);
  EXPECT_FALSE(image->artifact);
  EXPECT_EQ(image->layers[0].file, "");
}

TEST(Documents, AnArtifactsTitlesStayBeneathItsRoot) {
  for (const char* bad : {"../x", "/etc/passwd", ".", "a/../b", ".wh.x", "a/.wh..wh..opq", "\\u0000"}) {
    EXPECT_EQ(fieldOf("", replaced(artifact, "a/b.txt", bad), config).substr(0, 30),
              "manifest.layers[0].annotations")
        << bad;
  }
}

TEST(Documents, ADockerManifestIsNoArtifact) {
  EXPECT_EQ(
      fieldOf("", replaced(artifact, "vnd.oci.image.manifest.v1", "vnd.docker.distribution.manifest.v2"),
              config),
      "manifest.config.mediaType");
  EXPECT_EQ(fieldOf("", replaced(artifact, R"("config")", R"("rootfs":{},"config")"), config),
            "manifest.rootfs");
}

}  // namespace
}  // namespace bulkhead::worker
