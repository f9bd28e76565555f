// The real zygote with the real worker: every role does its job, and nothing that is not asked properly.
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "daemons/common/jail/in-child.h"
#include "daemons/storaged/zygote/testing/process-view.h"
#include "daemons/storaged/zygote/testing/zygote-harness.h"

namespace bulkhead::zygote {
namespace {

using Request = schema::WorkerRequest::Builder;

const std::string container(64, 'c');

std::string tarWith(const std::string& name, const std::string& bytes) {
  std::vector<char> buffer(65536);
  size_t used = 0;
  archive* writer = ::archive_write_new();
  ::archive_write_set_format_pax_restricted(writer);
  ::archive_write_open_memory(writer, buffer.data(), buffer.size(), &used);
  archive_entry* entry = ::archive_entry_new();
  ::archive_entry_set_pathname(entry, name.c_str());
  ::archive_entry_set_filetype(entry, AE_IFREG);
  ::archive_entry_set_perm(entry, 04755);
  ::archive_entry_set_uid(entry, 70000);
  ::archive_entry_set_size(entry, static_cast<int64_t>(bytes.size()));
  ::archive_write_header(writer, entry);
  ::archive_write_data(writer, bytes.data(), bytes.size());
  ::archive_entry_free(entry);
  ::archive_write_close(writer);
  ::archive_write_free(writer);
  return {buffer.data(), used};
}

std::string gzipOf(const std::string& bytes) {
  std::string out(bytes.size() + 1024, '\0');
  z_stream state{};
  ::deflateInit2(&state, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  ::deflate(&state, Z_FINISH);
  out.resize(state.total_out);
  ::deflateEnd(&state);
  return out;
}

class ZygoteTest : public ::testing::Test {
 protected:
  TestStore store_;
  TestZygote zygote_{store_};
  std::string name_ = LayerName::generate().text();
};

TEST_F(ZygoteTest, UnpacksIntoStaging) {
  std::string staged = store_.makeDirectory("staging/" + name_);
  TestWorker worker = zygote_.start([&](Request request) { request.setUnpack(name_); });
  ASSERT_TRUE(writeAll(worker.input.get(), tarWith("bin/tool", "hello")));
  auto packet = worker.finish();
  ASSERT_TRUE(packet);
  auto result = packet->as<schema::WorkerResult>();
  ASSERT_TRUE(result.isUnpacked());
  EXPECT_GE(result.getUnpacked().getBytes(), 5U);
  EXPECT_EQ(result.getUnpacked().getInodes(), 3U);  // the file, bin, and the layer itself
  struct stat info {};
  ASSERT_EQ(::stat((staged + "/closed/diff/bin/tool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 04755U);
  EXPECT_EQ(info.st_uid, 70000U);
  ASSERT_EQ(::stat((staged + "/closed/diff").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0755U);
  EXPECT_EQ(info.st_uid, 0U);
}

TEST_F(ZygoteTest, KeepsAFileAsItIs) {
  std::string staged = store_.makeDirectory("staging/" + name_);
  TestWorker worker = zygote_.start([&](Request request) { request.setKeep(name_); });
  capnp::MallocMessageBuilder path;
  path.initRoot<schema::KeepInput>().setPath("models/tiny.tar");
  std::string bytes = tarWith("bin/tool", "hello");
  ASSERT_TRUE(ipc::writeMessage(worker.input.get(), path));
  ASSERT_TRUE(writeAll(worker.input.get(), bytes));
  auto packet = worker.finish();
  ASSERT_TRUE(packet);
  auto result = packet->as<schema::WorkerResult>();
  ASSERT_TRUE(result.isUnpacked());
  EXPECT_EQ(result.getUnpacked().getContent(), bytes.size());
  EXPECT_EQ(result.getUnpacked().getInodes(), 3U);  // the file, models, and the layer itself
  EXPECT_EQ(textOf(staged + "/closed/diff/models/tiny.tar"), bytes);
}

// Main owns staging/NAME and what is above, and still has no way to the files.
TEST_F(ZygoteTest, ClosesALayerToMain) {
  std::string staged = store_.makeDirectory("staging/" + name_);
  TestWorker worker = zygote_.start([&](Request request) { request.setUnpack(name_); });
  ASSERT_TRUE(writeAll(worker.input.get(), tarWith("file", "x")));
  ASSERT_TRUE(worker.finish());
  ASSERT_EQ(::access((staged + "/closed/diff/file").c_str(), F_OK), 0);
  EXPECT_EQ(jail::codeOfChild([&] {
              if (::setresuid(testUid, testUid, testUid) != 0) return 98;
              return ::open((staged + "/closed/diff/file").c_str(), O_RDONLY) >= 0 ? 0 : errno;
            }),
            EACCES);
  // Moving it to layers/ is main's, since staging/NAME is.
  EXPECT_EQ(jail::codeOfChild([&] {
              if (::setresuid(testUid, testUid, testUid) != 0) return 98;
              return ::rename(staged.c_str(), (store_.path() + "/layers/" + name_).c_str()) == 0 ? 0 : errno;
            }),
            0);
}

TEST_F(ZygoteTest, UsesNoDirectoryThatMainMade) {
  store_.makeDirectory("staging/" + name_);
  store_.makeDirectory("staging/" + name_ + "/closed");
  TestWorker worker = zygote_.start([&](Request request) { request.setUnpack(name_); });
  EXPECT_FALSE(worker.finish());
}

TEST_F(ZygoteTest, RefusesAHostileArchive) {
  store_.makeDirectory("staging/" + name_);
  TestWorker worker = zygote_.start([&](Request request) { request.setUnpack(name_); });
  ASSERT_TRUE(writeAll(worker.input.get(), tarWith("../../out", "x")));
  auto packet = worker.finish();
  ASSERT_TRUE(packet);
  auto result = packet->as<schema::WorkerResult>();
  ASSERT_TRUE(result.isRefused());
  EXPECT_EQ(result.getRefused().getCode(), schema::Refusal::Code::INVALID_ARGUMENT);
}

TEST_F(ZygoteTest, Decompresses) {
  TestWorker worker =
      zygote_.start([](Request request) { request.setDecompress(schema::WorkerRequest::Codec::GZIP); });
  ASSERT_TRUE(writeAll(worker.input.get(), gzipOf("some bytes")));
  worker.input.reset();
  EXPECT_EQ(readBounded(worker.output.get(), 100), "some bytes");
  auto packet = worker.finish();
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->as<schema::WorkerResult>().isDecompressed());
}

TEST_F(ZygoteTest, Parses) {
  capnp::MallocMessageBuilder message;
  auto documents = message.initRoot<schema::ParseInput>().initManifest();
  auto set = [](capnp::Data::Builder to, const std::string& text) {
    std::copy(text.begin(), text.end(), to.begin());
  };
  std::string manifest = R"({"schemaVersion":2,"manifests":[]})";
  set(documents.initManifest(static_cast<unsigned>(manifest.size())), manifest);
  TestWorker worker = zygote_.start([](Request request) { request.setParse(); });
  ASSERT_TRUE(ipc::writeMessage(worker.input.get(), message));
  auto packet = worker.finish();
  ASSERT_TRUE(packet);
  auto result = packet->as<schema::WorkerResult>();
  ASSERT_TRUE(result.isRefused());
  EXPECT_EQ(std::string(result.getRefused().getField().cStr()), "manifest.manifests");
}

TEST_F(ZygoteTest, MeasuresAndErases) {
  std::string upper = store_.makeDirectory("containers/" + container) + "/closed/upper";
  ASSERT_EQ(::mkdir((store_.path() + "/containers/" + container + "/closed").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir(upper.c_str(), 0700), 0);
  std::filesystem::create_directories(upper + "/a/b");
  Fd file(::open((upper + "/a/f").c_str(), O_WRONLY | O_CREAT, 0000));
  ASSERT_TRUE(writeAll(file.get(), std::string(10000, 'x')));
  std::filesystem::create_hard_link(upper + "/a/f", upper + "/a/b/g");

  TestWorker measurer = zygote_.start([](Request request) { request.setMeasure(container); });
  auto packet = measurer.finish();
  ASSERT_TRUE(packet);
  auto measured = packet->as<schema::WorkerResult>();
  ASSERT_TRUE(measured.isMeasured());
  EXPECT_EQ(measured.getMeasured().getInodes(), 3U);
  EXPECT_GE(measured.getMeasured().getBytes(), 10000U);

  std::string trash = store_.path() + "/trash/" + name_;
  std::filesystem::rename(store_.path() + "/containers/" + container, trash);
  TestWorker eraser = zygote_.start([&](Request request) { request.setErase(name_); });
  auto erased = eraser.finish();
  ASSERT_TRUE(erased);
  EXPECT_TRUE(erased->as<schema::WorkerResult>().isErased());
  EXPECT_EQ(::rmdir(trash.c_str()), 0);
}

class ComposeJobTest : public ZygoteTest {
 protected:
  // A layer with one file of that name.
  std::string addLayer(const std::string& file) {
    std::string name = LayerName::generate().text();
    std::string closed = store_.makeDirectory("layers/" + name) + "/closed";
    EXPECT_EQ(::mkdir(closed.c_str(), 0700), 0);
    EXPECT_EQ(::mkdir((closed + "/diff").c_str(), 0755), 0);
    std::ofstream(closed + "/diff/" + file) << file;
    return name;
  }
  bool composes(const std::string& id, const std::vector<std::string>& layers, const std::string& onto = "") {
    TestWorker worker = zygote_.start([&](Request request) {
      auto compose = request.initCompose();
      compose.getInto().setContainer(id);
      if (!onto.empty()) compose.setOnto(onto);
      auto list = compose.initLayers(static_cast<unsigned>(layers.size()));
      for (unsigned i = 0; i < list.size(); ++i) list.set(i, layers[i]);
    });
    auto packet = worker.finish();
    return packet && packet->as<schema::WorkerResult>().isComposed();
  }
  std::string container_ = ContainerId::generate().text();
  std::string directory_ = store_.makeDirectory("containers/" + container_);
};

TEST_F(ComposeJobTest, FillsAContainersRootOnce) {
  std::vector<std::string> layers{addLayer("base"), addLayer("top")};
  ASSERT_TRUE(composes(container_, layers));
  std::ifstream top(directory_ + "/closed/root/top");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(top), {}), "top");
  EXPECT_EQ(::access((directory_ + "/closed/root/base").c_str(), F_OK), 0);
  struct stat info {};
  ASSERT_EQ(::stat((directory_ + "/closed").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
  EXPECT_EQ(info.st_uid, 0U);
  EXPECT_FALSE(composes(container_, layers));  // a root that somebody may have written to is not filled again
}

TEST_F(ComposeJobTest, DropsWhatIsAskedBadly) {
  std::string layer = addLayer("file");
  EXPECT_FALSE(composes("../" + container_, {layer}));
  EXPECT_FALSE(composes(ContainerId::generate().text(), {layer}));
  EXPECT_FALSE(composes(container_, {"../../../etc"}));
  EXPECT_FALSE(composes(container_, std::vector<std::string>(128, layer)));
  EXPECT_FALSE(composes(container_, {layer}, "../../../etc"));
  EXPECT_EQ(::access((directory_ + "/closed/root").c_str(), F_OK), -1);
}

TEST_F(ZygoteTest, MeasuresNothingWhereNothingWasWritten) {
  store_.makeDirectory("containers/" + container);
  TestWorker worker = zygote_.start([](Request request) { request.setMeasure(container); });
  auto packet = worker.finish();
  ASSERT_TRUE(packet);
  ASSERT_TRUE(packet->as<schema::WorkerResult>().isMeasured());
  EXPECT_EQ(packet->as<schema::WorkerResult>().getMeasured().getInodes(), 0U);
}

// The account files of an image, found through its layers as a container would find them.
TEST_F(ZygoteTest, LooksUpAUserInAnImage) {
  ASSERT_NE(::signal(SIGPIPE, SIG_IGN), SIG_ERR);  // a worker that is not made reads nothing
  auto addLayer = [this](const char* file, const std::string& text) {
    std::string name = LayerName::generate().text();
    std::string closed = store_.makeDirectory("layers/" + name) + "/closed";
    std::filesystem::create_directories(closed + "/diff/etc");
    if (::chmod(closed.c_str(), 0700) != 0) throwErrno("chmod");
    Fd written(::open((closed + "/diff/etc/" + file).c_str(), O_WRONLY | O_CREAT, 0600));
    if (!writeAll(written.get(), text)) throwErrno("write");
    return name;
  };
  const std::string base = addLayer("passwd", "app:x:1:1::/:\n");
  const std::string middle = addLayer("group", "extra:x:60:app\n");
  const std::string top = addLayer("passwd", "app:x:1000:1001::/:\n");
  auto look = [this](const std::vector<std::string>& layers, const char* user) {
    capnp::MallocMessageBuilder message;
    auto asked = message.initRoot<schema::LookupInput>();
    asked.setUser(user);
    asked.setMemberships(true);
    TestWorker worker = zygote_.start([&](Request request) {
      auto names = request.initLookup(static_cast<unsigned>(layers.size()));
      for (unsigned i = 0; i < names.size(); ++i) names.set(i, layers[i]);
    });
    (void)ipc::writeMessage(worker.input.get(), message);
    return worker.finish();
  };
  auto found = look({top, middle, base}, "app");
  ASSERT_TRUE(found && found->as<schema::WorkerResult>().isLookedUp());
  auto user = found->as<schema::WorkerResult>().getLookedUp();
  EXPECT_EQ(user.getUid(), 1000U);
  EXPECT_EQ(user.getGid(), 1001U);
  ASSERT_EQ(user.getGroups().size(), 1U);
  EXPECT_EQ(user.getGroups()[0], 60U);
  // One layer is no overlay.
  found = look({base}, "app");
  ASSERT_TRUE(found && found->as<schema::WorkerResult>().isLookedUp());
  EXPECT_EQ(found->as<schema::WorkerResult>().getLookedUp().getUid(), 1U);
  EXPECT_TRUE(look({middle}, "app")->as<schema::WorkerResult>().isRefused());
  // No layer, one that is lost, what is no name, and too many.
  EXPECT_FALSE(look({}, "app"));
  EXPECT_FALSE(look({top, LayerName::generate().text()}, "app"));
  EXPECT_FALSE(look({"../../etc"}, "app"));
  EXPECT_FALSE(look(std::vector<std::string>(128, top), "app"));
}

// Its cell is the image and nothing else, whether that is an overlay or a clone.
TEST_F(ZygoteTest, ALookupSeesOneImage) {
  std::vector<std::string> layers;
  for (int i = 0; i < 2; ++i) {
    layers.push_back(LayerName::generate().text());
    std::filesystem::create_directories(store_.makeDirectory("layers/" + layers.back()) + "/closed/diff");
    TestZygote zygote(store_);
    TestWorker worker = zygote.start([&](Request request) {
      auto names = request.initLookup(static_cast<unsigned>(layers.size()));
      for (unsigned n = 0; n < names.size(); ++n) names.set(n, layers[n]);
    });
    std::string process;
    for (int tries = 0; tries < 500 && textOf(process + "/comm") != "lookup-worker\n"; ++tries) {
      ::usleep(10000);
      process = "/proc/" + onlyChildOf(zygote.pid());
    }
    EXPECT_EQ(textOf(process + "/comm"), "lookup-worker\n");
    std::string mounts = textOf(process + "/mountinfo");
    EXPECT_EQ(std::count(mounts.begin(), mounts.end(), '\n'), 1) << mounts;
    EXPECT_NE(mounts.find(" / ro,nosuid,nodev,noexec"), mounts.npos) << mounts;
    EXPECT_EQ(mounts.find(" - overlay ") != mounts.npos, layers.size() > 1) << mounts;
    std::string status = textOf(process + "/status");
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      EXPECT_NE(status.find(std::string(set) + ":\t0000000000000000\n"), status.npos) << set;
    }
    worker.input.reset();
    EXPECT_TRUE(worker.finish());
  }
}

TEST_F(ZygoteTest, DropsWhatIsAskedBadly) {
  for (const std::string& bad :
       {std::string("../etc"), std::string(""), std::string("/"), name_ + "/..", name_}) {
    TestWorker worker = zygote_.start([&](Request request) { request.setUnpack(bad); });
    EXPECT_FALSE(worker.finish()) << bad;
  }
  // A directory, a device, a file of the host's, and a pipe the wrong way round.
  store_.makeDirectory("staging/" + name_);
  Fd directory = openDirectory("/etc");
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Fd file(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  Pipe pipe = makePipe();
  auto refused = [&](int input, int output, int log) {
    Pipe result = makePipe();
    zygote_.send([&](Request request) { request.setUnpack(name_); },
                 {input, output, result.write.get(), log});
    result.write.reset();
    return !ipc::readMessage(result.read.get(), 1024);
  };
  for (int bad : {directory.get(), null.get(), file.get()}) {
    EXPECT_TRUE(refused(bad, pipe.write.get(), pipe.write.get()));
    EXPECT_TRUE(refused(pipe.read.get(), bad, pipe.write.get()));
    EXPECT_TRUE(refused(pipe.read.get(), pipe.write.get(), bad));
  }
  EXPECT_TRUE(refused(pipe.write.get(), pipe.write.get(), pipe.write.get()));
  // And it still works.
  TestWorker worker =
      zygote_.start([](Request request) { request.setDecompress(schema::WorkerRequest::Codec::NONE); });
  EXPECT_TRUE(worker.finish());
}

TEST_F(ZygoteTest, DoesNotFollowASymlinkInTheStore) {
  std::filesystem::create_directory_symlink("/etc", store_.path() + "/staging/" + name_);
  TestWorker worker = zygote_.start([&](Request request) { request.setUnpack(name_); });
  EXPECT_FALSE(worker.finish());
}

TEST_F(ZygoteTest, KillsByNumber) {
  TestWorker worker =
      zygote_.start([](Request request) { request.setDecompress(schema::WorkerRequest::Codec::NONE); });
  ASSERT_TRUE(writeAll(worker.input.get(), "x"));
  std::array<char, 1> byte{};
  ASSERT_EQ(::read(worker.output.get(), byte.data(), 1), 1);  // it runs
  std::uint64_t number = zygote_.lastNumber();
  zygote_.send(
      [&](Request request) {
        request.setNumber(number);
        request.setKill();
      },
      {});
  EXPECT_FALSE(ipc::readMessage(worker.result.get(), 1024));  // its end of the pipe closed without an answer
}

// A worker with shared libraries starts in the host's mount namespace. By the time that it reads, nothing of
// that is left.
TEST_F(ZygoteTest, AWorkerWithLibrariesEndsUpInItsCell) {
  TestWorker worker =
      zygote_.start([](Request request) { request.setDecompress(schema::WorkerRequest::Codec::NONE); });
  ASSERT_TRUE(writeAll(worker.input.get(), "x"));
  std::array<char, 1> byte{};
  ASSERT_EQ(::read(worker.output.get(), byte.data(), 1), 1);  // it runs
  std::string process = "/proc/" + onlyChildOf(zygote_.pid());
  EXPECT_EQ(textOf(process + "/comm"), "decompressor\n");
  std::string mounts = textOf(process + "/mountinfo");
  EXPECT_EQ(std::count(mounts.begin(), mounts.end(), '\n'), 1) << mounts;
  EXPECT_NE(mounts.find(" / / ro,nosuid,nodev,noexec"), mounts.npos) << mounts;
  EXPECT_NE(mounts.find(" - tmpfs "), mounts.npos) << mounts;
  std::string status = textOf(process + "/status");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_NE(status.find(std::string(set) + ":\t0000000000000000\n"), status.npos) << set;
  }
  std::string uid = std::to_string(testUid);
  EXPECT_NE(status.find("Uid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid + "\n"), status.npos) << status;
  EXPECT_NE(status.find("Seccomp:\t2\n"), status.npos);
  EXPECT_NE(status.find("Seccomp_filters:\t2\n"), status.npos) << "the zygote's and its own";
  EXPECT_NE(status.find("NoNewPrivs:\t1\n"), status.npos);
  pid_t pid = std::stoi(process.substr(process.rfind('/') + 1));
  EXPECT_EQ(::sched_getscheduler(pid), SCHED_BATCH) << "its turn comes when nobody waits for an answer";
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(pid)), 5);
  EXPECT_EQ(::getsid(pid), zygote_.pid());
  for (const auto& open : std::filesystem::directory_iterator(process + "/fd")) {
    EXPECT_TRUE(std::filesystem::read_symlink(open).string().starts_with("pipe:")) << open;
  }
}

// Also those that changed their user since, and are not told by anybody.
TEST_F(ZygoteTest, WorkersDieWithAZygoteThatIsKilled) {
  TestWorker worker =
      zygote_.start([](Request request) { request.setDecompress(schema::WorkerRequest::Codec::NONE); });
  ASSERT_TRUE(writeAll(worker.input.get(), "x"));
  std::array<char, 1> byte{};
  ASSERT_EQ(::read(worker.output.get(), byte.data(), 1), 1);
  ASSERT_EQ(::kill(zygote_.pid(), SIGKILL), 0);
  EXPECT_FALSE(ipc::readMessage(worker.result.get(), 1024, ipc::Patience{-1, std::chrono::seconds(10)}));
}

TEST_F(ZygoteTest, WhatAWorkerSaysComesThroughItsPipe) {
  TestLibrary library{{{"bulkhead-storage-worker", "/etc/passwd"}}};  // which nobody can execute
  TestZygote broken(store_, library.path());
  TestWorker worker = broken.start([](Request request) { request.setParse(); });
  EXPECT_FALSE(worker.finish());
  std::string said = readBounded(worker.log.get(), 1024).value_or("");
  EXPECT_NE(said.find("cannot execute the worker"), said.npos) << said;
}

// A layer that brings its own gconv directory: glibc would wait for the FIFO at the first name that is not
// ASCII.
TEST_F(ZygoteTest, ReadsNothingOfTheLayerToConvertNames) {
  store_.makeDirectory("staging/" + name_);
  std::vector<char> buffer(1 << 20);
  size_t used = 0;
  archive* writer = ::archive_write_new();
  ::archive_write_set_format_pax_restricted(writer);  // a pax header for the last name alone
  ::archive_write_open_memory(writer, buffer.data(), buffer.size(), &used);
  const std::string gconv = "usr/lib/x86_64-linux-gnu/gconv/gconv-modules";
  for (const std::string& name : {gconv, gconv + ".cache", std::string(200, 'n')}) {
    archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, name.c_str());
    ::archive_entry_set_filetype(entry, name.starts_with(gconv) ? AE_IFIFO : AE_IFREG);
    ::archive_entry_set_perm(entry, 0644);
    ::archive_write_header(writer, entry);
    ::archive_entry_free(entry);
  }
  ::archive_write_close(writer);
  ::archive_write_free(writer);
  TestWorker worker = zygote_.start([&](Request request) { request.setUnpack(name_); });
  ASSERT_TRUE(writeAll(worker.input.get(), std::string(buffer.data(), used)));
  worker.input.reset();
  auto packet = ipc::readMessage(worker.result.get(), 65536, ipc::Patience{-1, std::chrono::seconds(10)});
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->as<schema::WorkerResult>().isUnpacked());
}

TEST_F(ZygoteTest, WorkersDieWithTheZygote) {
  TestWorker worker;
  {
    TestZygote other(store_);
    worker = other.start([](Request request) { request.setDecompress(schema::WorkerRequest::Codec::NONE); });
    ASSERT_TRUE(writeAll(worker.input.get(), "x"));
    std::array<char, 1> byte{};
    ASSERT_EQ(::read(worker.output.get(), byte.data(), 1), 1);
  }
  EXPECT_FALSE(ipc::readMessage(worker.result.get(), 1024));
}

}  // namespace
}  // namespace bulkhead::zygote
