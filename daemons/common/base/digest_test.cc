#include "daemons/common/base/digest.h"

#include <gtest/gtest.h>

#include "daemons/common/base/image-ref.h"

namespace bulkhead {
namespace {

const std::string hex(64, '0');

// Digest strings become URLs and paths, so nothing but the one form passes.
TEST(Digest, RefusesEveryOtherForm) {
  for (const std::string& bad :
       {std::string(), std::string("sha256"), std::string("sha256:"), hex, "sha256:" + hex + "0",
        "sha256:" + std::string(64, 'F'), "SHA256:" + hex, "sha512:" + hex + hex,
        std::string("sha256:../../../../../../../../../../../../../../../../../../../../etc/x"),
        "sha256:" + hex + "/", " sha256:" + hex}) {
    auto digest = Digest::parse(bad, "layers[0].digest");
    ASSERT_FALSE(digest) << bad;
    EXPECT_EQ(digest.error().field, "layers[0].digest");
  }
}

TEST(Digest, RoundTrips) {
  EXPECT_EQ(Digest::parse("sha256:" + hex, "d")->text(), "sha256:" + hex);
}

}  // namespace
}  // namespace bulkhead
