// What a container's root, an image volume and a volume are mounts of. Needs root.
#include "daemons/storaged/mounter/mounter.h"

#include <linux/capability.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <algorithm>

#include "daemons/common/jail/capabilities.h"
#include "daemons/storaged/mounter/layers.h"
#include "daemons/storaged/mounter/testing/mounter-harness.h"
#include "daemons/storaged/mounter/view.h"
#include "daemons/storaged/overlay/image-root.h"
#include "daemons/storaged/overlay/overlay.h"

namespace bulkhead::mounter {
namespace {

TEST_F(MounterTest, MountsThreeLayersUnseenByTheHost) {
  auto names = addLayers(3);
  std::string top = store_.path() + "/layers/" + names[0].text() + "/closed/diff";
  ASSERT_EQ(::chown(top.c_str(), 12, 34), 0);
  ASSERT_EQ(::chmod(top.c_str(), 01711), 0);
  std::string before = mountTable();
  Fd mount = mountOf(names);
  ASSERT_TRUE(mount);
  int status = withAttached(mount, target_, [&] {
    struct stat root {};
    if (::stat(target_.c_str(), &root) != 0 || root.st_uid != 12 || root.st_gid != 34) return 1;
    if ((root.st_mode & 07777) != 01711) return 2;
    if (textOf(target_ + "/same") != "0" || textOf(target_ + "/2") != "2") return 3;
    writeFile(target_ + "/new", "written");
    return std::filesystem::remove(target_ + "/1") ? 0 : 4;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(mountTable(), before);
  EXPECT_EQ(textOf(containerDirectory_ + "/closed/upper/new"), "written");
  EXPECT_EQ(textOf(store_.path() + "/layers/" + names[1].text() + "/closed/diff/1"), "1");
}

TEST_F(MounterTest, MountsAHundredAndTwentySevenLayers) {
  Fd mount = mountOf(addLayers(127));
  ASSERT_TRUE(mount);
  EXPECT_EQ(withAttached(mount, target_,
                         [&] {
                           for (int i = 0; i < 127; ++i) {
                             if (textOf(target_ + "/" + std::to_string(i)) != std::to_string(i)) return 1;
                           }
                           return textOf(target_ + "/same") == "0" ? 0 : 2;
                         }),
            0);
}

TEST_F(MounterTest, ReadOnlyIsTheMountNotTheSuperblock) {
  auto names = addLayers(1);
  Fd mount = mountOf(names, true);
  ASSERT_TRUE(mount);
  EXPECT_EQ(withAttached(mount, target_,
                         [&] {
                           bool refused = ::mkdir((target_ + "/d").c_str(), 0755) != 0 && errno == EROFS;
                           return refused && textOf(target_ + "/0") == "0" ? 0 : 1;
                         }),
            0);
  EXPECT_TRUE(mountOf(names));  // upper and work are there by now
}

TEST_F(MounterTest, AnOpaqueDirectoryAndAWhiteoutHide) {
  auto names = addLayers(2);
  std::string lower = store_.path() + "/layers/" + names[1].text() + "/closed/diff";
  std::string upper = store_.path() + "/layers/" + names[0].text() + "/closed/diff";
  std::filesystem::create_directory(lower + "/d");
  writeFile(lower + "/d/hidden", "x");
  std::filesystem::create_directory(upper + "/d");
  ASSERT_EQ(::setxattr((upper + "/d").c_str(), "user.overlay.opaque", "y", 1, 0), 0);
  ASSERT_EQ(::mknod((upper + "/1").c_str(), S_IFCHR, 0), 0);
  Fd mount = mountOf(names);
  ASSERT_TRUE(mount);
  EXPECT_EQ(withAttached(mount, target_,
                         [&] {
                           bool hidden = !std::filesystem::exists(target_ + "/d/hidden") &&
                                         !std::filesystem::exists(target_ + "/1");
                           return hidden && std::filesystem::exists(target_ + "/d") ? 0 : 1;
                         }),
            0);
}

TEST_F(MounterTest, RefusesAnIdThatIsNone) {
  for (const std::string& id :
       {std::string(), std::string("../") + container_.text(), std::string(64, 'G')}) {
    EXPECT_EQ(refusalOf(request(id, nullptr)), "containerId");
  }
}

TEST_F(MounterTest, PassesOnMainsRefusal) {
  Answer refused = [](schema::LayersAnswer::Builder answer) {
    ipc::writeRefusal(answer.initRefused(), {Code::notFound, "containerId", "is not known\n"});
  };
  EXPECT_EQ(refusalOf(request(ContainerId::generate().text(), refused)), "containerId");
  // Known to main, but nowhere in the store.
  EXPECT_EQ(refusalOf(request(ContainerId::generate().text(), layers(addLayers(1)))), "container");
}

TEST_F(MounterTest, RefusesAHostileAnswer) {
  std::string good = addLayer("f", "f").text();
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{}, {"../../etc"}, {good, "/etc"}, {good, ""}, {good, good + "/.."}}) {
    EXPECT_EQ(refusalOf(request(container_.text(), layers(names))), "layers");
  }
  EXPECT_EQ(refusalOf(request(container_.text(), layers(std::vector<std::string>(128, good)))), "layers");
  EXPECT_EQ(refusalOf(request(container_.text(), layers(std::vector<std::string>(10000, good)))), "layers");
  std::string absent = LayerName::generate().text();
  EXPECT_EQ(refusalOf(request(container_.text(), layers(std::vector<std::string>{absent}))),
            "layer " + absent);
  // A symlink where a layer's directory should be.
  LayerName linked = LayerName::generate();
  store_.makeDirectory("layers/" + linked.text());
  closedIn("layers/" + linked.text());
  std::filesystem::create_directory_symlink("/etc",
                                            store_.path() + "/layers/" + linked.text() + "/closed/diff");
  EXPECT_EQ(refusalOf(request(container_.text(), layers(std::vector<LayerName>{linked}))),
            "layer " + linked.text());
  EXPECT_TRUE(mountOf(addLayers(1)));  // and it still works
}

TEST_F(MounterTest, OutlivesAnAnswerThatComesTooLate) {
  auto names = addLayers(1);
  Fd connection = connectTo(socket_, SOCK_SEQPACKET);
  capnp::MallocMessageBuilder message;
  message.initRoot<schema::MountRequest>().setContainerId(container_.text());
  ASSERT_TRUE(ipc::sendPacket(connection.get(), message));
  auto question = ipc::receivePacket(main_.get(), patience);
  ASSERT_TRUE(question);
  auto refused = ipc::receivePacket(connection.get(), 2 * patience);
  ASSERT_TRUE(refused && refused->as<schema::MountReply>().isRefused());
  EXPECT_EQ(refused->as<schema::MountReply>().getRefused().getCode(), schema::Refusal::Code::UNAVAILABLE);
  // Late, while nobody waits; and late again, before the answer to the next question.
  reply(*question, layers(std::vector<LayerName>{LayerName::generate()}));
  EXPECT_TRUE(mountOf(names));
  Answer staleFirst = [&](schema::LayersAnswer::Builder answer) {
    reply(*question, layers(std::vector<LayerName>{LayerName::generate()}));
    layers(names)(answer);
  };
  auto mounted = request(container_.text(), staleFirst);
  EXPECT_TRUE(mounted && mounted->as<schema::MountReply>().isMounted());
}

TEST_F(MounterTest, RefusesAnotherUser) {
  EXPECT_EQ(inChild([&] {
              if (::setresuid(testUid + 1, testUid + 1, testUid + 1) != 0) return 1;
              Fd connection = connectTo(socket_, SOCK_SEQPACKET);
              if (!connection) return 2;
              capnp::MallocMessageBuilder message;
              message.initRoot<schema::MountRequest>().setContainerId(container_.text());
              (void)ipc::sendPacket(connection.get(), message);
              errno = 0;
              return ipc::receivePacket(connection.get(), patience) || errno == EAGAIN ? 3 : 0;
            }),
            0);
}

TEST_F(MounterTest, SurvivesGarbage) {
  for (const std::string& bytes : {std::string("x"), std::string("i1234567"), std::string("i12345678"),
                                   std::string(1000, '\xff'), std::string("m")}) {
    Fd connection = connectTo(socket_, SOCK_SEQPACKET);
    ASSERT_EQ(::send(connection.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    (void)ipc::receivePacket(connection.get(), patience);
  }
  EXPECT_TRUE(mountOf(addLayers(1)));
}

TEST_F(MounterTest, MountsAnImageOrPartOfIt) {
  auto names = addLayers(2);
  const std::string top = store_.path() + "/layers/" + names[0].text() + "/closed/diff";
  std::filesystem::create_directories(top + "/d/e");
  writeFile(top + "/d/e/f", "deep");
  std::filesystem::create_symlink("/d/e", top + "/absolute");
  std::filesystem::create_symlink("../../../d", top + "/climbs");
  std::filesystem::create_symlink(containerDirectory_, top + "/out");
  ASSERT_EQ(::mkfifo((top + "/fifo").c_str(), 0644), 0);
  std::string before = mountTable();
  struct Case {
    const char* path;
    const char* file;
    const char* text;
  };
  for (const Case& each : {Case{"", "/same", "0"},
                           {"d/e", "/f", "deep"},
                           {"absolute", "/f", "deep"},
                           {"climbs/e", "/f", "deep"},
                           {"../../d", "/e/f", "deep"}}) {
    auto made = requestImage(names, each.path);
    ASSERT_TRUE(made && made->as<schema::MountReply>().isMounted()) << each.path;
    EXPECT_EQ(withAttached(made->takeFd(0), target_,
                           [&] {
                             if (textOf(target_ + each.file) != each.text) return 1;
                             struct statvfs info {};
                             constexpr unsigned long inert = ST_RDONLY | ST_NOSUID | ST_NODEV;
                             if (::statvfs(target_.c_str(), &info) != 0) return 2;
                             if ((info.f_flag & (inert | ST_NOEXEC)) != inert) return 4;
                             return ::mkdir((target_ + "/new").c_str(), 0755) != 0 && errno == EROFS ? 0 : 3;
                           }),
              0)
        << each.path;
  }
  EXPECT_TRUE(requestImage(names, "d/e/f")->as<schema::MountReply>().isMounted());
  for (const char* bad : {"out", "absent", "d/e/f/g", "fifo", "proc/self"})
    EXPECT_EQ(refusalOf(requestImage(names, bad)), "subPath") << bad;
  EXPECT_TRUE(mountOf(names));  // the stage is free again
  EXPECT_EQ(mountTable(), before);
  auto noId = [](schema::MountRequest::Builder request) { request.initImage().setImageId("../x"); };
  EXPECT_EQ(refusalOf(requestVolume(noId, nullptr)), "imageId");
}

TEST_F(MounterTest, MakesAnonymousVolumesOfAContainer) {
  auto third = [](schema::MountRequest::Builder request) { request.setVolume(3); };
  for (const char* text : {"absent", "kept"}) {
    auto made = requestVolume(third, nullptr);
    ASSERT_TRUE(made && made->as<schema::MountReply>().isMounted());
    EXPECT_EQ(withAttached(made->takeFd(0), target_,
                           [&] {
                             struct stat info {};
                             if (::stat(target_.c_str(), &info) != 0 || info.st_mode != (S_IFDIR | 0755U))
                               return 1;
                             bool there = std::filesystem::exists(target_ + "/kept");
                             writeFile(target_ + "/kept", "kept");
                             return there == (std::string(text) == "kept") ? 0 : 2;
                           }),
              0);
  }
  EXPECT_EQ(textOf(containerDirectory_ + "/closed/volumes/3/kept"), "kept");
  std::filesystem::remove_all(containerDirectory_);
  EXPECT_EQ(refusalOf(requestVolume(third, nullptr)), "container");
}

// Older kernels' ways work here too.
TEST_F(MounterTest, EveryMethodMountsAllLayers) {
  auto names = addLayers(127);
  std::string before = mountTable();
  EXPECT_EQ(inChild([&] {
              Fd store = enterView(openDirectory(store_.path()).get()).store;
              using overlay::Method;
              for (Method method : {Method::descriptors, Method::paths, Method::options}) {
                auto lowers = overlay::openLowers(store.get(), names);
                if (!lowers) return 1;
                overlay::Layers layers{std::move(*lowers), {}, {}};
                if (!openWritable(store.get(), container_, 0, layers)) return 1;
                Fd mount = overlay::tryMount(method, layers, stage);
                if (!mount && method != Method::descriptors) return 2;  // which is new in 6.13
                if (mount && ::faccessat(mount.get(), "126", F_OK, 0) != 0) return 3;
              }
              std::string table = mountTable();
              return table.find("overlay") == table.npos && std::count(table.begin(), table.end(), '\n') == 3
                         ? 0
                         : 4;
            }),
            0);
  EXPECT_EQ(mountTable(), before);
}

// As with a mounter that lacks the file capabilities: the kernel only falls back, and says nothing.
TEST_F(MounterTest, ASuperblockThatCameUpReadOnlyIsAnError) {
  auto names = addLayers(2);
  EXPECT_EQ(inChild([&] {
              Fd store = enterView(openDirectory(store_.path()).get()).store;
              overlay::Layers layers{*overlay::openLowers(store.get(), names), {}, {}};
              if (!openWritable(store.get(), container_, 0, layers)) return 1;
              if (::fchown(layers.work.get(), testUid, testUid) != 0) return 1;
              constexpr auto few = jail::CapabilitySet{1} << CAP_SYS_ADMIN | jail::CapabilitySet{1}
                                                                                 << CAP_DAC_READ_SEARCH;
              jail::setCapabilities(few);
              auto mount = overlay::mountOverlay(layers, false, stage);
              return !mount && mount.error().reason == "came up read-only" ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace bulkhead::mounter
