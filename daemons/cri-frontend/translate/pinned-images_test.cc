#include "daemons/cri-frontend/translate/pinned-images.h"

#include <gtest/gtest.h>

namespace bulkhead::cri {
namespace {

struct Case {
  const char* pattern;
  const char* name;
  bool pinned;
};

TEST(PinnedImages, MatchAsCrioDoes) {
  const Case cases[] = {
      {"registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9", true},
      {"registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.90", false},
      {"registry.k8s.io/pause:3.9", "evil.io/registry.k8s.io/pause:3.9", false},
      {"registry.k8s.io/pause", "registry.k8s.io/pause:3.9", false},
      {"registry.k8s.io/pause*", "registry.k8s.io/pause:3.9", true},
      {"registry.k8s.io/pause*", "evil.io/registry.k8s.io/pause:3.9", false},
      {"quay.io/crio/*", "quay.io/crio/fedora@sha256:00", true},
      {"*Fedora*", "quay.io/crio/fedora34:latest", true},
      {"*fedora*", "quay.io/crio/debian:latest", false},
      {"Quay.io/App:V1", "quay.io/app:v1", true},
      // The dot is no wildcard.
      {"quay.io/app:1.0", "quay.io/app:1x0", false},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(PinnedImages({one.pattern}).match(one.name), one.pinned) << one.pattern << " " << one.name;
  }
}

TEST(PinnedImages, OneNameOfManyIsEnough) {
  PinnedImages pinned({"a.io/x:1", "b*"});
  EXPECT_TRUE(pinned.matchAny({"c.io/y:1", "b.io/z:1"}));
  EXPECT_FALSE(pinned.matchAny({"c.io/y:1"}));
  EXPECT_FALSE(pinned.matchAny({}));
  EXPECT_FALSE(PinnedImages().match("a.io/x:1"));
}

}  // namespace
}  // namespace bulkhead::cri
