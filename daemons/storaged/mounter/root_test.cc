// Roots that are no plain overlay: as a user namespace sees them, and directories of their own. Needs root.
#include "daemons/storaged/mounter/testing/mounter-harness.h"

namespace bulkhead::mounter {
namespace {

constexpr uid_t mappedRoot = 100000;

// A user namespace whose ids 0 to 65535 are mappedRoot and the following.
class UserNamespace {
 public:
  UserNamespace() {
    Pipe ready = makePipe();
    Pipe end = makePipe();
    pid_ = ::fork();
    if (pid_ == 0) {
      end.write.reset();
      char byte = 0;
      bool made = ::unshare(CLONE_NEWUSER) == 0 && ::write(ready.write.get(), &byte, 1) == 1;
      (void)!::read(end.read.get(), &byte, 1);
      ::_exit(made ? 0 : 1);
    }
    end_ = std::move(end.write);
    ready.write.reset();
    char byte = 0;
    EXPECT_EQ(::read(ready.read.get(), &byte, 1), 1);
    std::string process = "/proc/" + std::to_string(pid_);
    writeFile(process + "/uid_map", "0 100000 65536");
    writeFile(process + "/gid_map", "0 100000 65536");
    fd_ = Fd(::open((process + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  }
  ~UserNamespace() {
    end_.reset();
    (void)waitFor(pid_, std::nullopt);
  }
  UserNamespace(const UserNamespace&) = delete;
  UserNamespace& operator=(const UserNamespace&) = delete;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  pid_t pid_ = 0;
  Fd end_;
  Fd fd_;
};

uid_t ownerOf(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_uid : static_cast<uid_t>(-1);
}
TEST_F(MounterTest, MapsEveryLayerForAUserNamespace) {
  UserNamespace space;
  auto names = addLayers(127);
  std::string before = mountTable();
  auto reply = request(container_.text(), layers(names), false, space.fd());
  ASSERT_TRUE(reply && reply->as<schema::MountReply>().isMounted());
  Fd mount = reply->takeFd(0);
  EXPECT_EQ(withAttached(mount, target_,
                         [&] {
                           if (ownerOf(target_) != mappedRoot || ownerOf(target_ + "/126") != mappedRoot)
                             return 1;
                           if (::setresuid(mappedRoot, mappedRoot, mappedRoot) != 0) return 2;
                           writeFile(target_ + "/new", "written");
                           writeFile(target_ + "/126", "changed");
                           return textOf(target_ + "/new") == "written" &&
                                          textOf(target_ + "/126") == "changed"
                                      ? 0
                                      : 3;
                         }),
            0);
  // In the writable layer they are the mapped root's; the layer itself is as it was.
  EXPECT_EQ(ownerOf(containerDirectory_ + "/closed/upper"), mappedRoot);
  EXPECT_EQ(ownerOf(containerDirectory_ + "/closed/upper/126"), mappedRoot);
  std::string lower = store_.path() + "/layers/" + names[126].text() + "/closed/diff/126";
  EXPECT_EQ(ownerOf(lower), 0U);
  EXPECT_EQ(textOf(lower), "126");
  EXPECT_EQ(mountTable(), before);
  EXPECT_TRUE(
      request(container_.text(), layers(names), false, space.fd())->as<schema::MountReply>().isMounted());
}

TEST_F(MounterTest, RefusesWhatIsNoUserNamespace) {
  auto names = addLayers(2);
  Fd pipe = makePipe().read;
  Fd network(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  Fd file(::open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC));
  for (int fd : {-1, pipe.get(), network.get(), file.get()})
    EXPECT_EQ(refusalOf(request(container_.text(), nullptr, false, fd)), "userNamespace");
  // The host's own is one, but nothing can be mapped to it.
  Fd host(::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
  auto reply = request(container_.text(), layers(names), false, host.get());
  ASSERT_TRUE(reply && reply->as<schema::MountReply>().isRefused());
  EXPECT_EQ(reply->as<schema::MountReply>().getRefused().getCode(),
            schema::Refusal::Code::FAILED_PRECONDITION);
  EXPECT_FALSE(std::filesystem::exists(containerDirectory_ + "/closed"));
  EXPECT_TRUE(mountOf(names));
}

TEST_F(MounterTest, AComposedRootIsTheDirectoryItself) {
  Answer composed = [](schema::LayersAnswer::Builder answer) { answer.setComposed(); };
  EXPECT_EQ(refusalOf(request(container_.text(), composed)), "container");  // nobody made it
  closedIn("containers/" + container_.text());
  std::filesystem::create_directory(containerDirectory_ + "/closed/root");
  writeFile(containerDirectory_ + "/closed/root/file", "text");
  auto reply = request(container_.text(), composed);
  ASSERT_TRUE(reply && reply->as<schema::MountReply>().isMounted());
  Fd mount = reply->takeFd(0);
  EXPECT_EQ(withAttached(mount, target_,
                         [&] {
                           writeFile(target_ + "/new", "written");
                           return textOf(target_ + "/file") == "text" ? 0 : 1;
                         }),
            0);
  EXPECT_EQ(textOf(containerDirectory_ + "/closed/root/new"), "written");

  UserNamespace space;
  reply = request(container_.text(), composed, true, space.fd());
  ASSERT_TRUE(reply && reply->as<schema::MountReply>().isMounted());
  Fd mapped = reply->takeFd(0);
  EXPECT_EQ(withAttached(mapped, target_,
                         [&] {
                           bool readOnly = ::mkdir((target_ + "/d").c_str(), 0755) != 0 && errno == EROFS;
                           return readOnly && ownerOf(target_ + "/file") == mappedRoot ? 0 : 1;
                         }),
            0);
}

}  // namespace
}  // namespace bulkhead::mounter
