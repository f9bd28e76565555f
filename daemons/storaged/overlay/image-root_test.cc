// Needs root, for mounts.
#include "daemons/storaged/overlay/image-root.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "daemons/common/jail/in-child.h"
#include "daemons/storaged/overlay/overlay.h"
#include "daemons/storaged/zygote/testing/test-store.h"

namespace bulkhead::overlay {
namespace {

std::string textIn(int root, const char* path) {
  Fd file(::openat(root, path, O_RDONLY | O_CLOEXEC));
  return file ? readBounded(file.get(), 100).value_or("") : "absent";
}

class ImageRootTest : public ::testing::Test {
 protected:
  LayerName addLayer(const std::string& text) {
    LayerName name = LayerName::generate();
    std::string closed = store_.makeDirectory("layers/" + name.text()) + "/closed";
    std::filesystem::create_directories(closed + "/diff");
    std::ofstream(closed + "/diff/same") << text;
    std::ofstream(closed + "/diff/" + text) << text;
    return name;
  }

  // In a mount namespace of its own, whose /proc is the stage.
  template <typename Body>
  int inNamespace(Body body) {
    return jail::codeOfChild([&] {
      if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return 98;
      return body(openDirectory(store_.path()).get());
    });
  }

  TestStore store_;
};

TEST_F(ImageRootTest, ShowsTheLayersAndLetsNobodyChangeThem) {
  const LayerName top = addLayer("top");
  const LayerName base = addLayer("base");
  int code = inNamespace([&](int store) {
    for (const auto& names : {std::vector{top}, std::vector{top, base}}) {
      auto executable = mountImageRoot(store, names, "/proc", false);
      struct statvfs open {};
      constexpr unsigned long closed = ST_RDONLY | ST_NOSUID | ST_NODEV;
      if (!executable || ::fstatvfs(executable->get(), &open) != 0) return 5;
      if ((open.f_flag & (closed | ST_NOEXEC)) != closed) return 6;
      auto root = mountImageRoot(store, names, "/proc", true);
      if (!root || textIn(root->get(), "same") != "top") return 1;
      if (textIn(root->get(), "base") != (names.size() == 1 ? "absent" : "base")) return 2;
      if (::mkdirat(root->get(), "new", 0755) == 0 || errno != EROFS) return 3;
      struct statvfs info {};
      constexpr unsigned long inert = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
      if (::fstatvfs(root->get(), &info) != 0 || (info.f_flag & inert) != inert) return 4;
    }
    return 0;
  });
  EXPECT_EQ(code, 0);
}

// Also by an older kernel's ways, with as many layers as an image may have.
TEST_F(ImageRootTest, NeedsNoUpperLayer) {
  std::vector<LayerName> names;
  for (int i = 0; i < 127; ++i) names.push_back(addLayer(std::to_string(i)));
  int code = inNamespace([&](int store) {
    for (Method method : {Method::descriptors, Method::paths, Method::options}) {
      Fd root = tryMount(method, {openLowers(store, names).value(), {}, {}}, "/proc");
      if (!root && method != Method::descriptors) return 1;  // which is new in 6.13
      if (root && textIn(root.get(), "126") != "126") return 2;
    }
    return ::access("/proc/self/exe", F_OK) == 0 ? 0 : 3;
  });
  EXPECT_EQ(code, 0);
}

TEST_F(ImageRootTest, NamesALayerThatIsLost) {
  const LayerName lost = LayerName::generate();
  auto refused = mountImageRoot(openDirectory(store_.path()).get(), {addLayer("there"), lost}, "/proc", true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "layer " + lost.text());
  EXPECT_FALSE(mountImageRoot(openDirectory(store_.path()).get(), {}, "/proc", true));
}

}  // namespace
}  // namespace bulkhead::overlay
