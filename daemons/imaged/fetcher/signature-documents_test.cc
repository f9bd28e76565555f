#include "daemons/imaged/fetcher/signature-documents.h"

#include <gtest/gtest.h>

#include "ipc/limits.h"

namespace bulkhead::fetcher {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

std::string layer(const std::string& type, const std::string& annotations = "{}") {
  return R"({"mediaType": ")" + type + R"(", "digest": ")" + digest + R"(", "size": 7, "annotations": )" +
         annotations + "}";
}

const std::string signing = "application/vnd.dev.cosign.simplesigning.v1+json";

TEST(SignatureDocuments, AttachmentsAreLayersOfTheirType) {
  auto layers = attachedLayers(
      R"({"layers": [)" + layer("application/vnd.dsse.envelope.v1+json") + "," +
      layer(signing,
            R"({"dev.cosignproject.cosign/signature": "c2ln", "dev.sigstore.cosign/certificate": "CERT",
                         "dev.sigstore.cosign/chain": "CHAIN", "dev.sigstore.cosign/bundle": "{}", "x": 1})") +
      "," + layer(signing, "7") + "]}");
  ASSERT_TRUE(layers);
  ASSERT_EQ(layers->size(), 2U);
  EXPECT_EQ(layers->at(0).payload.digest.text(), digest);
  EXPECT_EQ(layers->at(0).payload.size, 7U);
  EXPECT_EQ(layers->at(0).attachment.signature, "c2ln");
  EXPECT_EQ(layers->at(0).attachment.certificate, "CERT");
  EXPECT_EQ(layers->at(0).attachment.chain, "CHAIN");
  EXPECT_EQ(layers->at(0).attachment.bundle, "{}");
  EXPECT_EQ(layers->at(1).attachment.signature, "");
}

TEST(SignatureDocuments, AttachmentsAreBounded) {
  std::string many = layer(signing);
  for (size_t i = 1; i < limits::signatures; ++i) many += "," + layer(signing);
  EXPECT_EQ(attachedLayers(R"({"layers": [)" + many + "]}")->size(), limits::signatures);
  EXPECT_EQ(attachedLayers(R"({"layers": [)" + many + "," + layer(signing) + "]}").error().code,
            Code::resourceExhausted);
  for (const char* text : {"", "[]", "7", "{}", R"({"layers": {}})", "[[[[[[[[[[[[[[[[[[[[[[[[["})
    EXPECT_EQ(attachedLayers(text).error().code, Code::failedPrecondition) << text;
  EXPECT_EQ(attachedLayers(R"({"layers": [{"mediaType": ")" + signing + R"("}]})").error().code,
            Code::failedPrecondition);
}

TEST(SignatureDocuments, TheExtensionAnswersMessages) {
  auto messages = messagesOf(R"({"signatures": [
      {"schemaVersion": 2, "type": "atomic", "name": "a@b", "content": "AAEC"},
      {"schemaVersion": 3, "type": "atomic", "content": "AAEC"},
      {"schemaVersion": 2, "type": "other", "content": "?"}, 7]})");
  ASSERT_TRUE(messages);
  EXPECT_EQ(*messages, (std::vector<SimpleMessage>{std::string("\0\1\2", 3)}));
  EXPECT_TRUE(messagesOf(R"({"signatures": []})")->empty());
  for (const char* text : {"", "{}", R"({"signatures": null})",
                           R"({"signatures": [{"schemaVersion": 2, "type": "atomic", "content": "?"}]})"})
    EXPECT_EQ(messagesOf(text).error().code, Code::failedPrecondition) << text;
}

}  // namespace
}  // namespace bulkhead::fetcher
