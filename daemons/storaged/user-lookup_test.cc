#include "daemons/storaged/user-lookup.h"

#include "daemons/storaged/storage-fixture.h"

namespace bulkhead::storaged {
namespace {

class UserLookupTest : public StorageTest {
 protected:
  UserLookupTest() {
    image_.layers.push_back(TestLayer::of("one"));
    id_ = pull("registry.example/app:1", image_).value().id;
  }
  Outcome<FoundUser> find(const std::string& user, bool memberships = true) {
    return users_.find({*id_, user, memberships}).wait(io_.waitScope);
  }

  TestImage image_;
  std::optional<ImageId> id_;
  UserLookup users_{parts()};
};

TEST_F(UserLookupTest, AsksOnceForEachQuestion) {
  for (int i = 0; i < 3; ++i) {
    auto found = find("app");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->uid, 1000U);
    EXPECT_EQ(found->groups, std::vector<std::uint32_t>{60});
  }
  EXPECT_EQ(lookups(), 1);
  ASSERT_TRUE(find("app", false));
  EXPECT_EQ(lookups(), 2);
}

// Before a worker sees it.
TEST_F(UserLookupTest, RefusesWhatIsNoUser) {
  EXPECT_EQ(find("4294967296").error().field, "user");
  EXPECT_EQ(find("a:b:c").error().field, "user");
  EXPECT_EQ(lookups(), 0);
  EXPECT_EQ(find("nobody").error().code, Code::invalidArgument);
  EXPECT_EQ(users_.find({ImageId::generate(), "app", true}).wait(io_.waitScope).error().code, Code::notFound);
}

// A worker that an image took over cannot make another number of a number.
TEST_F(UserLookupTest, BelievesNoOtherNumber) {
  EXPECT_EQ(find("7").error().code, Code::internal);
  EXPECT_EQ(find("app:7").error().code, Code::internal);
  EXPECT_EQ(find("0")->uid, 0U);
}

TEST_F(UserLookupTest, KeepsTheLayersWhileAWorkerReadsThem) {
  auto found = users_.find({*id_, "app", true});
  ASSERT_TRUE(remove("registry.example/app:1"));
  EXPECT_EQ(parts().index.layers().size(), 1U);
  EXPECT_TRUE(found.wait(io_.waitScope));
  EXPECT_EQ(countIn("layers"), 0U);
  EXPECT_EQ(parts().index.layers().size(), 0U);
}

}  // namespace
}  // namespace bulkhead::storaged
