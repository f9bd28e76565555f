// A worker that has been taken over cannot write, chmod, chown, set an attribute or link outside its
// directory, and dies of any call that would get it more.
#include <sys/xattr.h>

#include <fstream>
#include <set>

#include "daemons/storaged/zygote/testing/escape-attempts.h"
#include "daemons/storaged/zygote/testing/zygote-harness.h"

namespace bulkhead::zygote {
namespace {

class JailbreakTest : public ::testing::Test {
 protected:
  JailbreakTest() {
    std::ofstream(canary_) << "canary";
    std::filesystem::permissions(canary_, std::filesystem::perms(0640));
    before_ = canaryState();
  }

  struct stat canaryState() const {
    struct stat info {};
    EXPECT_EQ(::stat(canary_.c_str(), &info), 0);
    return info;
  }

  // What the hostile worker reports; empty if it died.
  std::string reportOf(const std::string& mode) {
    std::string name = LayerName::generate().text();
    staged_ = store_.makeDirectory("staging/" + name);
    TestWorker worker =
        zygote_.start([&](schema::WorkerRequest::Builder request) { request.setUnpack(name); });
    return reportOf(std::move(worker), mode);
  }

  // The same in the compose worker's place, with one layer.
  std::string composersReportOf(const std::string& mode) {
    std::string name = LayerName::generate().text();
    std::string container = ContainerId::generate().text();
    layer_ = store_.makeDirectory("layers/" + name) + "/closed/diff";
    std::filesystem::create_directories(layer_);
    std::ofstream(layer_ + "/file") << "layer";
    root_ = store_.makeDirectory("containers/" + container) + "/closed/root";
    TestWorker worker = zygote_.start([&](schema::WorkerRequest::Builder request) {
      request.initCompose().getInto().setContainer(container);
      request.getCompose().initLayers(1).set(0, name);
    });
    return reportOf(std::move(worker), mode);
  }

  std::string reportOf(TestWorker worker, const std::string& mode) {
    EXPECT_TRUE(writeAll(worker.input.get(), mode + "\n" + canary_));
    worker.input.reset();
    return readBounded(worker.output.get(), 65536).value_or("");
  }

  void expectUntouched() const {
    struct stat after = canaryState();
    EXPECT_EQ(after.st_mode, before_.st_mode);
    EXPECT_EQ(after.st_uid, before_.st_uid);
    EXPECT_EQ(after.st_nlink, before_.st_nlink);
    EXPECT_EQ(after.st_ctim.tv_nsec, before_.st_ctim.tv_nsec);  // not even touched
    EXPECT_EQ(::getxattr(canary_.c_str(), "user.canary", nullptr, 0), -1);
    std::ifstream file(canary_);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "canary");
  }

  TestStore store_;
  TestStore outside_;
  std::string canary_ = outside_.path() + "/canary";
  std::string staged_;
  std::string layer_;
  std::string root_;
  struct stat before_ {};
  TestLibrary library_{{{"bulkhead-storage-worker", BULKHEAD_TESTS "/jailbreak-worker"}}};
  TestZygote zygote_{store_, library_.path()};
};

TEST_F(JailbreakTest, NothingOutsideCanBeTouched) {
  EXPECT_EQ(reportOf("escape"), "worked inside\n");
  struct stat inside {};
  ASSERT_EQ(::stat((staged_ + "/closed/diff/inside").c_str(), &inside), 0);
  EXPECT_EQ(inside.st_mode & 07777U, 04755U);
  EXPECT_EQ(inside.st_uid, 12U);
  expectUntouched();
}

TEST_F(JailbreakTest, AComposerWritesItsTargetAndNoLayer) {
  EXPECT_EQ(composersReportOf("escape"), "worked inside\n");
  struct stat inside {};
  ASSERT_EQ(::stat((root_ + "/inside").c_str(), &inside), 0);
  EXPECT_EQ(inside.st_uid, 12U);
  struct stat file {};
  ASSERT_EQ(::stat((layer_ + "/file").c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, 0U);
  EXPECT_EQ(file.st_size, 5);
  expectUntouched();
  for (const char* mode : {"mount", "unshare", "open_by_handle_at", "socket", "fork", "execve", "ptrace"})
    EXPECT_EQ(composersReportOf(mode), "") << mode;
}

// The same attempts do succeed where there is no cell: they are not failing for a reason of their own.
TEST_F(JailbreakTest, TheAttemptsAreReal) {
  std::filesystem::current_path(outside_.makeDirectory("work"));
  Fd inherited = openDirectory(outside_.path());
  // Not the first four: they are the test's own, and may be the host's terminal or /dev/null.
  auto succeeded = attemptEscapes(canary_, 4);
  std::filesystem::current_path("/");
  std::set<std::string> found(succeeded.begin(), succeeded.end());
  for (const char* what : {"write", "read", "chmod", "fchmod", "chown", "xattr", "utime", "link"}) {
    for (const char* way : {"absolute path", "..", "absolute symlink", "climbing symlink",
                            "symlinked directory", "/proc", "inherited descriptor's directory"}) {
      EXPECT_TRUE(found.contains(std::string(what) + " by " + way)) << what << " by " << way;
    }
  }
}

TEST_F(JailbreakTest, ForbiddenCallsEndTheWorker) {
  for (const char* mode :
       {"mount", "unshare", "setns", "chroot", "pivot_root", "open_tree", "open_by_handle_at", "socket",
        "fork", "execve", "ptrace", "kill", "tgkill", "grow", "bpf", "io_uring", "setuid", "setowner"}) {
    EXPECT_EQ(reportOf(mode), "") << mode;
  }
}

}  // namespace
}  // namespace bulkhead::zygote
