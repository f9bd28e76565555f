#include "daemons/storaged/worker/schema1.h"

#include <gtest/gtest.h>

#include "daemons/storaged/worker/documents.h"

namespace bulkhead::worker {
namespace {

const std::string baseSum = "sha256:" + std::string(64, 'a');
const std::string topSum = "sha256:" + std::string(64, 'b');
const std::string emptySum = "sha256:" + std::string(64, 'e');

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) out += c == '"' ? std::string("\\\"") : std::string(1, c);
  return out + "\"";
}
std::string step(const std::string& json) {
  return R"({"v1Compatibility":)" + quoted(json) + "}";
}
std::string sum(const std::string& digest) {
  return R"({"blobSum":")" + digest + R"("})";
}

// Newest first, as in the document.
std::string manifestOf(const std::string& sums, const std::string& steps, const std::string& more = "") {
  return R"({"schemaVersion":1,"name":"library/old","tag":"1","architecture":"amd64","fsLayers":[)" + sums +
         R"(],"history":[)" + steps + "]" + more + "}";
}
const std::string top =
    R"({"id":"3","parent":"2","os":"linux","architecture":"amd64","created":"2015-01-03T00:00:00Z","throwaway":true,)"
    R"("config":{"User":"7","Cmd":["sh"]},"container_config":{"Cmd":["/bin/sh","-c","#(nop) USER 7"]}})";
const std::string middle = R"({"id":"2","parent":"1","created":"2015-01-02T00:00:00Z","Size":5})";
const std::string base = R"({"id":"1","created":"2015-01-01T00:00:00Z","author":"somebody"})";
const std::string three = manifestOf(sum(emptySum) + "," + sum(topSum) + "," + sum(baseSum),
                                     step(top) + "," + step(middle) + "," + step(base));

std::string fieldOf(const std::string& manifest) {
  auto read = parseSchema1(manifest);
  EXPECT_FALSE(read);
  return read ? "" : read.error().field;
}

TEST(Schema1, LayersAreReadBaseFirst) {
  auto read = parseSchema1(three);
  ASSERT_TRUE(read) << describe(read.error());
  ASSERT_EQ(read->layers.size(), 3U);
  EXPECT_EQ(read->layers[0].digest.text(), baseSum);
  EXPECT_FALSE(read->layers[0].empty);
  EXPECT_EQ(read->layers[1].digest.text(), topSum);
  EXPECT_TRUE(read->layers[2].empty);
  EXPECT_EQ(read->payloadTail, "");
}

TEST(Schema1, TheConfigIsMadeOfTheHistory) {
  std::vector<Digest> ids;
  for (char c : {'1', '2'}) ids.push_back(*Digest::parse("sha256:" + std::string(64, c), "id"));
  auto config = configOfSchema1(three, ids);
  ASSERT_TRUE(config) << describe(config.error());
  EXPECT_EQ(*config, *configOfSchema1(three, ids));
  auto read = parseConfig(*config);
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->config.user, "7");
  EXPECT_EQ(read->config.command.at(0), "sh");
  ASSERT_EQ(read->diffIds.size(), 2U);
  EXPECT_EQ(read->diffIds[0], ids[0]);
  EXPECT_NE(config->find(R"("created_by":"/bin/sh -c #(nop) USER 7","empty_layer":true)"), std::string::npos);
  EXPECT_EQ(config->find("throwaway"), std::string::npos);
  EXPECT_EQ(config->find(R"("parent")"), std::string::npos);
}

TEST(Schema1, ASignatureSaysWhatIsSigned) {
  // {"formatLength":100,"formatTail":"Cn0","time":"2015-01-01T00:00:00Z"}
  const std::string header =
      "eyJmb3JtYXRMZW5ndGgiOjEwMCwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDE1LTAxLTAxVDAwOjAwOjAwWiJ9";
  auto signedBy = [](const std::string& text) {
    return R"(,"signatures":[{"header":{},"protected":")" + text + R"("}])";
  };
  auto read = parseSchema1(manifestOf(sum(baseSum), step(base), signedBy(header)));
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->payloadBytes, 100U);
  EXPECT_EQ(read->payloadTail, "\n}");
  EXPECT_EQ(fieldOf(manifestOf(sum(baseSum), step(base), signedBy("!!"))), "manifest.signatures.protected");
  // {"formatLength":99999,"formatTail":"Cn0"}
  EXPECT_EQ(fieldOf(manifestOf(sum(baseSum), step(base),
                               signedBy("eyJmb3JtYXRMZW5ndGgiOjk5OTk5LCJmb3JtYXRUYWlsIjoiQ24wIn0"))),
            "manifest.signatures.protected");
}

TEST(Schema1, IsReadStrictly) {
  EXPECT_EQ(fieldOf(manifestOf("", "")), "manifest.fsLayers");
  EXPECT_EQ(fieldOf(manifestOf(sum(baseSum), "")), "manifest.history");
  EXPECT_EQ(fieldOf(manifestOf(sum("sha256:../x"), step(base))), "manifest.fsLayers[0].blobSum");
  EXPECT_EQ(fieldOf(manifestOf(sum(baseSum), step("no json"))), "manifest.history[0]");
  EXPECT_EQ(fieldOf(manifestOf(sum(baseSum), "7")), "manifest.history[0]");
  EXPECT_EQ(fieldOf(manifestOf(sum(baseSum), step(R"({"throwaway":1})"))), "manifest.history[0].throwaway");
  EXPECT_EQ(fieldOf(manifestOf(sum(baseSum), step(R"({"throwaway":true})"))), "manifest.fsLayers");
  EXPECT_EQ(fieldOf(manifestOf(sum(baseSum), step(base), R"(,"layers":[])")), "manifest.layers");
  EXPECT_EQ(fieldOf(manifestOf(sum(baseSum), step(base), R"(,"config":{})")), "manifest.config");
  EXPECT_EQ(fieldOf(R"({"schemaVersion":2})"), "manifest.schemaVersion");
}

}  // namespace
}  // namespace bulkhead::worker
