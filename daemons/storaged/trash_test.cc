// What is thrown away goes in the end, whatever comes between.
#include "daemons/storaged/trash.h"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "daemons/storaged/storage-fixture.h"

namespace bulkhead::storaged {
namespace {

namespace fs = std::filesystem;

class TrashTest : public StorageTest {
 protected:
  ~TrashTest() noexcept override {}  // KJ's members may throw there, gtest's may not
  LayerName leave(const std::string& file) {
    LayerName name = LayerName::generate();
    fs::create_directory(path_ + "/trash/" + name.text());
    std::ofstream(path_ + "/trash/" + name.text() + "/" + file) << "x";
    return name;
  }

  Trash trash_{parts().store, parts().zygote, parts().offLoop, parts().timer, 5 * kj::MILLISECONDS};
};

TEST_F(TrashTest, TriesAgainLater) {
  trash_.erase(leave("stuck"));
  trash_.erase(leave("file"));
  trash_.whenEmpty().wait(io_.waitScope);
  EXPECT_EQ(countIn("trash"), 0U);
}

TEST_F(TrashTest, GoesOnAfterItCouldNotEvenAsk) {
#ifdef BULKHEAD_SANITIZED
  GTEST_SKIP() << "UBSan opens pipes to look at an object's type";
#endif
  LayerName name = leave("file");
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  trash_.erase(name);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  trash_.erase(leave("another"));
  EXPECT_EQ(countIn("trash"), 0U);
}

}  // namespace
}  // namespace bulkhead::storaged
