#include "daemons/common/base/image-scopes.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace bulkhead {
namespace {

using Scopes = std::vector<std::string>;

TEST(ImageScopes, GoFromTheImageToItsDomain) {
  EXPECT_EQ(scopesOf("quay.io/team/app", ":1"),
            (Scopes{"quay.io/team/app:1", "quay.io/team/app", "quay.io/team", "quay.io", "*.io"}));
  EXPECT_EQ(scopesOf("a.b.example.com:5000/app", ""),
            (Scopes{"a.b.example.com:5000/app", "a.b.example.com:5000", "*.b.example.com", "*.example.com",
                    "*.com"}));
  EXPECT_EQ(scopesOf("[::1]:5000/app", ""), (Scopes{"[::1]:5000/app", "[::1]:5000"}));
}

TEST(ImageScopes, KnowARegistryByItsOtherSpellings) {
  EXPECT_EQ(scopesOf("QUAY.IO:443/app", "@sha256:1"),
            (Scopes{"QUAY.IO:443/app@sha256:1", "quay.io/app@sha256:1", "QUAY.IO:443/app", "quay.io/app",
                    "QUAY.IO:443", "quay.io", "*.IO", "*.io"}));
  Scopes hub = scopesOf("registry-1.docker.io/library/busybox", "");
  EXPECT_NE(std::find(hub.begin(), hub.end(), "docker.io/library"), hub.end());
}

}  // namespace
}  // namespace bulkhead
