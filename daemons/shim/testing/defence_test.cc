// What a request, an image or a container may try, with each OCI runtime.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "daemons/shim/testing/life.h"

namespace bulkhead::shim::testing {
namespace {

using ::testing::HasSubstr;

class Defence : public Life {
 protected:
  std::string refusalOf(const std::function<void(schema::ContainerSpec::Builder)>& change) {
    ContainerId id = ContainerId::generate();
    std::string refused = at().tryAsk(at().container(id, pod_, {"/bin/true"}, change));
    if (refused.empty()) remove(id);
    return refused;
  }
  std::string refusedPod(const std::function<void(schema::PodSpec::Builder)>& change) {
    return at().tryAsk([&](auto request) {
      auto spec = request.initMakePod();
      spec.setId(PodId::generate().text());
      spec.setNetwork(schema::Namespace::POD);
      spec.setIpc(schema::Namespace::POD);
      spec.setPid(schema::Namespace::CONTAINER);
      change(spec);
    });
  }
  std::string refusedDestination(const std::string& destination) {
    return refusalOf([&](auto spec) {
      auto mount = spec.initMounts(1)[0];
      mount.setSource(at().path("volumes"));
      mount.setDestination(destination);
    });
  }
  void SetUp() override {
    Life::SetUp();
    if (instance_) pod_ = at().makePod();
  }
  void TearDown() override {
    if (instance_) removePod(pod_);
  }
  PodId pod_ = PodId::generate();
};

// CVE-2025-31133 and its kin: what masks paths must be the runtime's own /dev/null.
TEST_P(Defence, NoVolumeHidesTheDevices) {
  for (const char* destination : {"/dev", "/dev/null", "/dev/pts", "/dev/pts/0", "/dev/"}) {
    EXPECT_THAT(refusedDestination(destination), HasSubstr("mounts[0].destination")) << destination;
  }
  shell("ln -s /dev " + at().path("busybox/devices") + " && ln -s devices/null " +
        at().path("busybox/nothing"));
  EXPECT_THAT(refusedDestination("/devices"), HasSubstr("mounts[0].destination"));
  EXPECT_THAT(refusedDestination("/nothing"), HasSubstr("mounts[0].destination"));
  EXPECT_EQ(refusedDestination("/devices/termination-log"), "");
}

// CVE-2024-21626: by text, and by a link of the image's.
TEST_P(Defence, NoWorkingDirectoryInProc) {
  shell("ln -s /proc/self/fd/7 " + at().path("busybox/w") + " && mkdir -p " + at().path("busybox/real/deep") +
        " && ln -s real/deep " + at().path("busybox/fine"));
  auto in = [&](const std::string& directory) {
    return refusalOf([&](auto spec) { spec.setWorkingDirectory(directory); });
  };
  for (const char* bad : {"/proc/self/fd/7", "/w", "/w/x"})
    EXPECT_THAT(in(bad), HasSubstr("workingDirectory")) << bad;
  for (const char* good : {"/fine", "/real/new", "/"}) EXPECT_EQ(in(good), "") << good;
}

// CVE-2022-23648, CVE-2019-16884: made inside, by nobody who could follow a link out.
TEST_P(Defence, DirectoriesOfAnImageAreMadeInside) {
  const std::string root = at().path("busybox");
  shell("mkdir " + root + "/real && ln -s real " + root + "/link && ln -s " + at().path("volumes") + " " +
        root + "/out && ln -s ../../../.." + at().path("volumes") + " " + root + "/up && ln -s /proc " +
        root + "/p && touch " + root + "/file && mkdir -m 0700 " + root + "/closed && chown 12:34 " + root +
        "/closed");
  auto with = [&](const std::string& directory) {
    return refusalOf([&](auto spec) { spec.initDirectories(1).set(0, directory); });
  };
  for (const char* good : {"/a/b/c", "/link//below", "/etc", "/closed/x", "/a/b"})
    EXPECT_EQ(with(good), "") << good;
  for (const char* bad : {"/proc", "/proc/x", "/sys/x", "/dev/x", "/p/x", "/", "/out", "/out/x", "/up/x",
                          "/file", "/file/x", "relative", "/a/../x"}) {
    EXPECT_THAT(with(bad), HasSubstr("directories")) << bad;
  }
  struct stat made {};
  for (const char* directory : {"/a/b/c", "/real/below", "/closed/x"}) {
    ASSERT_EQ(::lstat((root + directory).c_str(), &made), 0) << directory;
    EXPECT_EQ(made.st_mode, S_IFDIR | 0755U) << directory;
    EXPECT_EQ(made.st_uid, 0U) << directory;
  }
  EXPECT_TRUE(std::filesystem::is_empty(at().path("volumes")));
}

TEST_P(Defence, WhatComesFromTheStoreIsReadOnlyOrItsOwn) {
  auto with = [&](const std::function<void(schema::Mount::Builder)>& change) {
    return refusalOf([&](auto spec) {
      auto mount = spec.initMounts(1)[0];
      mount.setDestination("/data");
      mount.setReadOnly(true);
      mount.setImage(std::string(64, 'a'));
      change(mount);
    });
  };
  EXPECT_EQ(with([](auto) {}), "");
  EXPECT_EQ(with([](auto mount) { mount.setVolume(3); }), "");
  EXPECT_THAT(with([](auto mount) { mount.setReadOnly(false); }), HasSubstr("mounts[0].readOnly"));
  EXPECT_THAT(with([](auto mount) { mount.setImage("../x"); }), HasSubstr("mounts[0].image"));
  EXPECT_THAT(with([](auto mount) { mount.setSource("/"); }), HasSubstr("mounts[0].source"));
  EXPECT_THAT(with([](auto mount) { mount.setSubPath(std::string(5000, 'x')); }), HasSubstr("subPath"));
  EXPECT_THAT(with([](auto mount) { mount.setPropagation(schema::Mount::Propagation::BIDIRECTIONAL); }),
              HasSubstr("propagation"));
  EXPECT_THAT(with([](auto mount) { mount.setDestination("/proc/x"); }), HasSubstr("destination"));
  EXPECT_THAT(with([](auto mount) {
                mount.setBind();
                mount.setSource("/etc");
              }),
              HasSubstr("mounts[0].source"));
}

// CVE-2026-41579.
TEST_P(Defence, NoImageWhoseDevIsALink) {
  std::filesystem::remove_all(at().path("busybox/dev"));
  shell("ln -s /etc " + at().path("busybox/dev"));
  EXPECT_THAT(refusalOf([](auto) {}), HasSubstr("image"));
  shell("rm " + at().path("busybox/dev"));
  EXPECT_EQ(refusalOf([](auto) {}), "");
}

TEST_P(Defence, NoIdThatMeansAsItIs) {
  EXPECT_THAT(refusalOf([](auto spec) { spec.setGid(UINT32_MAX); }), HasSubstr("gid"));
  EXPECT_THAT(refusalOf([](auto spec) { spec.initGroups(1).set(0, UINT32_MAX); }), HasSubstr("groups"));
}

TEST_P(Defence, NothingTooLargeIsWrittenDown) {
  EXPECT_THAT(refusedPod([](auto spec) { spec.setLogDirectory(std::string(100'000, 'x')); }),
              HasSubstr("too large"));
  std::string deep = at().cgroupParent();
  for (int i = 0; i < 20; ++i) deep += "/d";
  EXPECT_THAT(refusedPod([&](auto spec) { spec.setCgroupParent(deep); }), HasSubstr("cgroupParent"));
  EXPECT_EQ(at().tryAsk([](auto request) { request.setList(); }), "");
}

TEST_P(Defence, NoLogThroughAnotherName) {
  std::string directory = at().layout().logs + "/" + pod_.text().substr(0, 8);
  shell("echo secret > " + at().path("secret") + " && ln " + at().path("secret") + " " + directory +
        "/planted");
  EXPECT_THAT(refusalOf([](auto spec) { spec.setLogPath("planted"); }), HasSubstr("logPath"));
  EXPECT_EQ(readFile(at().path("secret")), "secret\n");
}

// A start whose launcher was killed between its record and the runtime.
TEST_P(Defence, AHalfStartIsNoStart) {
  ContainerId id = make(pod_, "exit 6");
  Fd started(::open(
      (at().layout().podsDirectory() + "/" + pod_.text() + "/containers/" + id.text() + "/started").c_str(),
      O_WRONLY | O_CLOEXEC));
  std::int64_t when = 1;
  ASSERT_EQ(::pwrite(started.get(), &when, sizeof when, 0), static_cast<ssize_t>(sizeof when));
  EXPECT_EQ(at().state(id), State::CREATED);
  start(id);
  EXPECT_EQ(waitCode(id), 6);
  remove(id);
}

// One stream that never pauses keeps neither the other one nor the end waiting.
TEST_P(Defence, AFloodDelaysNothing) {
  constexpr std::chrono::seconds soon{5};
  ContainerId id = make(pod_, "yes & sleep 0.3; echo still here >&2; sleep 0.2; exit 4");
  start(id);
  auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(waitCode(id), 4);
  EXPECT_LT(std::chrono::steady_clock::now() - before, soon);
  std::string directory = at().layout().logs + "/" + pod_.text().substr(0, 8);
  shell("grep -rq ' stderr F still here' " + directory + " && rm -r " + directory);
  remove(id);
}

TEST_P(Defence, AReadOnlyGrantTakesNoLateMounts) {
  std::string refused = refusalOf([&](auto spec) {
    auto mount = spec.initMounts(1)[0];
    mount.setSource(at().path("volumes"));
    mount.setDestination("/data");
    mount.setReadOnly(true);
    mount.setRecursiveReadOnly(true);
    mount.setPropagation(schema::Mount::Propagation::HOST_TO_CONTAINER);
  });
  EXPECT_THAT(refused, HasSubstr("mounts[0]"));
}

INSTANTIATE_TEST_SUITE_P(Runtimes, Defence, ::testing::Values("runc", "crun"),
                         [](const auto& runtime) { return std::string(runtime.param); });

}  // namespace
}  // namespace bulkhead::shim::testing
