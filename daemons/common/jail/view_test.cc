#include "daemons/common/jail/view.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"
#include "daemons/common/jail/in-child.h"

namespace bulkhead::jail {
namespace {

constexpr uid_t someUser = 1900000100;

class View : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_NE(::mkdtemp(path_.data()), nullptr);
    ASSERT_EQ(::chmod(path_.c_str(), 0755), 0);
    ASSERT_EQ(::mknod(device_.replace(0, path_.size(), path_).c_str(), S_IFCHR | 0666, ::makedev(1, 3)), 0);
    ASSERT_EQ(::chmod(device_.c_str(), 0666), 0);
  }
  ~View() override { std::filesystem::remove_all(path_); }

  // What opening `path` gives in a view of the directory and /proc, as somebody who is not root: 0 or errno.
  int openInView(const std::string& path, int flags) const {
    return codeOfChild([&] {
      constexpr unsigned inert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
      std::vector<Piece> pieces;
      pieces.push_back({cloneMount(openDirectory(path_).get(), inert), path_});
      pieces.push_back({cloneMount(openDirectory("/proc").get(), inert), "/proc"});
      ::umask(077);
      enterView(pieces);
      if (::setresuid(someUser, someUser, someUser) != 0) return 98;
      return ::open(path.c_str(), flags | O_CLOEXEC, 0600) >= 0 ? 0 : errno;
    });
  }

  std::string path_ = "/tmp/bulkhead-view-test-XXXXXX";
  std::string device_ = path_ + "/device";
};

// storaged's main, taken over, has a tar with a disk's node unpacked and opens it: this is what stops it.
TEST_F(View, OpensNoDeviceInTheStore) {
  EXPECT_EQ(codeOfChild([&] { return ::open(device_.c_str(), O_RDWR | O_CLOEXEC) >= 0 ? 0 : errno; }), 0);
  EXPECT_EQ(openInView(device_, O_RDWR), EACCES);
  EXPECT_EQ(openInView(device_, O_RDONLY), EACCES);
}

TEST_F(View, HoldsWhatWasPutIntoIt) {
  EXPECT_EQ(openInView(path_, O_RDONLY | O_DIRECTORY), 0);
  EXPECT_EQ(openInView("/proc/self/status", O_RDONLY), 0);
  EXPECT_EQ(openInView("/etc", O_RDONLY), ENOENT);
  EXPECT_NE(openInView("/tmp/new", O_RDWR | O_CREAT), 0);
  EXPECT_EQ(codeOfChild([&] {
              std::vector<Piece> pieces;
              pieces.push_back({cloneMount(openDirectory("/proc").get(), 0), "/proc"});
              pieces.push_back({Fd(), "/stage"});
              enterView(pieces);
              std::ifstream table("/proc/self/mountinfo");
              return static_cast<int>(std::count(std::istreambuf_iterator<char>(table), {}, '\n'));
            }),
            2);
}

// What lies on the root directory would be taken off in its stead.
TEST_F(View, AnOldRootThatStaysIsAnError) {
  EXPECT_EQ(
      codeOfChild([] {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
          return 1;
        Fd cover = cloneMount(openDirectory("/proc").get(), 0);
        if (::move_mount(cover.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0) return 2;
        try {
          enterCell(cloneMount(openDirectory("/etc").get(), 0));
        } catch (const SystemError&) {
          return 0;
        }
        return 3;
      }),
      0);
}

}  // namespace
}  // namespace bulkhead::jail
