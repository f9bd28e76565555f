// A crash at every step that the disk sees: a child process works on a store and ends, as with SIGKILL, in
// front of its Nth change of a directory or flush; then the store is opened as after any restart. What was
// announced is there, what was not is whole or absent, and nothing else is left. (What a power cut takes
// besides is tested on a disk of its own, tests/integration.)
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "daemons/common/base/io.h"
#include "daemons/storaged/storage-fixture.h"

namespace {

// In front of which step to end; steps so far. 0: none.
std::atomic<int> endAt{0};
std::atomic<int> steps{0};

void step() {
  int last = endAt.load();
  if (last != 0 && ++steps == last) ::syscall(SYS_exit_group, 9);
}

template <typename... Arguments>
int counted(long number, Arguments... arguments) {
  step();
  return static_cast<int>(::syscall(number, arguments...));
}

}  // namespace

// In the place of libc's, for this program and the libraries it loads.
extern "C" {
int renameat(int from, const char* old, int to, const char* fresh) noexcept {
  return counted(SYS_renameat, from, old, to, fresh);
}
int renameat2(int from, const char* old, int to, const char* fresh, unsigned flags) noexcept {
  return counted(SYS_renameat2, from, old, to, fresh, flags);
}
int mkdirat(int directory, const char* path, mode_t mode) noexcept {
  return counted(SYS_mkdirat, directory, path, mode);
}
int unlinkat(int directory, const char* path, int flags) noexcept {
  return counted(SYS_unlinkat, directory, path, flags);
}
int fsync(int fd) {
  return counted(SYS_fsync, fd);
}
int fdatasync(int fd) {
  return counted(SYS_fdatasync, fd);
}
int syncfs(int fd) noexcept {
  return counted(SYS_syncfs, fd);
}
}

namespace bulkhead::storaged {
namespace {

namespace fs = std::filesystem;

const TestLayer base = TestLayer::of("base");
const TestImage oldImage{{base}, "old"};
const TestImage newImage{{base, TestLayer::of("first"), TestLayer::of("second")}, "new"};
const char* const oldName = "test.io/old:1";
const char* const newName = "test.io/new:1";
const ContainerId oldContainer = ContainerId::generate();
const ContainerId newContainer = ContainerId::generate();

class OnStore final : public StorageTest {
 public:
  explicit OnStore(const std::string& path) : StorageTest(path) {}
  void TestBody() override {}

  void prepare() {
    auto image = pull(oldName, oldImage);
    if (!image || !create({oldContainer, image->id, {}}))
      throw std::runtime_error("the store cannot be prepared");
  }
  // Tells each thing that was announced, and each removal that begins, by a letter.
  void work(int tell) {
    auto announce = [tell](char what) { (void)writeAll(tell, {&what, 1}); };
    auto image = pull(newName, newImage);
    if (image) announce('p');
    if (image && create({newContainer, image->id, {}})) announce('c');
    announce('R');
    remove(newContainer);
    announce('r');
    announce('I');
    if (remove(newName)) announce('i');
    (void)countIn("trash");  // erases
  }
  void check(const std::string& announced) {
    auto told = [&](char what) { return announced.find(what) != std::string::npos; };
    checkWhole();
    EXPECT_TRUE(images().status(oldName).value());
    EXPECT_TRUE(containers().layersBeneath(oldContainer, std::nullopt));
    auto stored = images().status(newName).value();
    auto layers = containers().layersBeneath(newContainer, std::nullopt);
    EXPECT_TRUE(stored || !told('p') || told('I'));
    EXPECT_TRUE(layers || !told('c') || told('R'));
    EXPECT_EQ(layers ? layers->size() : 3U, 3U);
    EXPECT_FALSE(told('r') && layers);
    EXPECT_FALSE(told('i') && stored);

    auto again = pull(newName, newImage);
    ASSERT_TRUE(again) << describe(again.error());
    EXPECT_TRUE(create({newContainer, again->id, {}}));
    remove(newContainer);
    EXPECT_TRUE(remove(newName));
    checkWhole();
    EXPECT_EQ(countIn("layers"), 1U);
  }

 private:
  // The directories are what the index says, and in each layer are the bytes of its diff id.
  void checkWhole() {
    EXPECT_EQ(countIn("staging"), 0U);
    EXPECT_EQ(countIn("trash"), 0U);
    EXPECT_EQ(countIn("layers"), parts().index.layers().size());
    EXPECT_EQ(countIn("containers"), containers().list().size());
    for (const TestLayer& layer : newImage.layers) {
      auto name = parts().index.layerOf(layer.diffId);
      if (!name) continue;
      Fd file(
          ::open((path_ + "/layers/" + name->text() + "/closed/diff/content").c_str(), O_RDONLY | O_CLOEXEC));
      EXPECT_EQ("Z" + readBounded(file.get(), 100).value_or(""), layer.compressed);
    }
  }
};

// What the child announced before it ended in front of step `last`; nothing if it came to its end.
std::optional<std::string> crashAt(int last, const std::string& path) {
  Pipe told = makePipe();
  pid_t child = ::fork();
  if (child == 0) {
    OnStore store(path);
    endAt = last;
    store.work(told.write.get());
    ::_exit(0);
  }
  told.write.reset();
  std::string announced = readBounded(told.read.get(), 100).value_or("");
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  EXPECT_TRUE(ended || (WIFEXITED(status) && WEXITSTATUS(status) == 9)) << status;
  return ended ? std::nullopt : std::make_optional(announced);
}

TEST(Crash, AtEveryStepLosesNothingThatWasAnnounced) {
  std::string pattern = fs::temp_directory_path() / "storaged-crash-XXXXXX";
  fs::path top = ::mkdtemp(pattern.data());
  OnStore(top / "prepared").prepare();
  int last = 1;
  for (; true; ++last) {
    fs::copy(top / "prepared", top / "store", fs::copy_options::recursive);
    auto announced = crashAt(last, top / "store");
    SCOPED_TRACE("in front of step " + std::to_string(last) + ", after '" + announced.value_or("") + "'");
    if (!announced) break;
    OnStore(top / "store").check(*announced);
    fs::remove_all(top / "store");
    if (HasFatalFailure()) break;
  }
  // Three commits and three removals: fewer would mean that the steps are not seen.
  EXPECT_GT(last, 20);
  fs::remove_all(top);
}

}  // namespace
}  // namespace bulkhead::storaged
