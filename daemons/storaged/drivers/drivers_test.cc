// Subvolumes and quotas where there are none: callers rely on being told so. What they do where there are
// some is seen by tests/integration/test_drivers.py, and of quotas in the virtual machine.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"
#include "daemons/storaged/drivers/driver.h"
#include "daemons/storaged/drivers/id-map.h"
#include "daemons/storaged/drivers/project-quota.h"
#include "daemons/storaged/drivers/subvolume.h"

namespace bulkhead::drivers {
namespace {

// On tmpfs, which has neither.
class DriversTest : public testing::Test {
 protected:
  DriversTest() {
    std::string pattern = "/dev/shm/drivers-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
    directory_ = openDirectory(path_);
  }
  ~DriversTest() override { std::filesystem::remove_all(path_); }

  std::string path_;
  Fd directory_;
};

TEST_F(DriversTest, NamesAreReadAsTheyAreWritten) {
  for (Driver driver : {Driver::overlay, Driver::btrfs, Driver::vfs}) {
    EXPECT_EQ(driverNamed(nameOf(driver)), driver);
    EXPECT_EQ(composes(driver), driver != Driver::overlay);
  }
  for (const char* none : {"", "auto", "Overlay", "overlay ", "overlay2"}) EXPECT_FALSE(driverNamed(none));
}

TEST_F(DriversTest, NoQuotaIsNoUsageAndNoProject) {
  EXPECT_FALSE(joinProject(directory_.get(), 77));
  EXPECT_FALSE(projectUsage(directory_.get()));
  EXPECT_NE(errno, 0);
  EXPECT_FALSE(projectUsage(-1));
}

TEST_F(DriversTest, NoSubvolumesAreToldApart) {
  EXPECT_FALSE(isSubvolume(directory_.get()));
  EXPECT_THROW((void)makeSubvolume(directory_.get(), "new"), SystemError);
  EXPECT_THROW((void)makeSnapshot(directory_.get(), "new", directory_.get()), SystemError);
  std::filesystem::create_directory(path_ + "/plain");
  EXPECT_FALSE(destroySubvolume(directory_.get(), "plain"));
  EXPECT_FALSE(destroySubvolume(directory_.get(), "absent"));
  EXPECT_TRUE(std::filesystem::exists(path_ + "/plain"));
  EXPECT_THROW((void)makeSubvolume(directory_.get(), std::string(5000, 'x')), SystemError);
}

TEST_F(DriversTest, OnlyNsfsHasUserNamespaces) {
  EXPECT_TRUE(isUserNamespace(Fd(::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC)).get()));
  EXPECT_FALSE(isUserNamespace(Fd(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)).get()));
  EXPECT_FALSE(isUserNamespace(directory_.get()));
  EXPECT_FALSE(isUserNamespace(-1));
}

}  // namespace
}  // namespace bulkhead::drivers
