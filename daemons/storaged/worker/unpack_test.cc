// The unpack engine on a temporary directory, outside any cell: the descriptors alone have to hold. Needs
// root.
#include "daemons/storaged/worker/unpack.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "daemons/storaged/worker/tar-builder.h"

namespace bulkhead::worker {
namespace {

constexpr UnpackLimits generous{1 << 20, 1000, true};

class UnpackTest : public ::testing::Test {
 protected:
  UnpackTest() {
    std::string path = (std::filesystem::temp_directory_path() / "bulkhead-unpack-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throwErrno("mkdtemp");
    top_ = path;
    root_ = top_ + "/root";
    canary_ = top_ + "/canary";
    std::filesystem::create_directory(root_);
    std::filesystem::create_directory(canary_);
    std::ofstream(canary_ + "/file") << "canary";
    ::chmod((canary_ + "/file").c_str(), 0400);
  }
  ~UnpackTest() override {
    // Whatever happened inside, nothing did outside.
    EXPECT_EQ(textOf(canary_ + "/file"), "canary");
    EXPECT_EQ(statOf(canary_ + "/file").st_mode & 07777U, 0400U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(canary_), {}), 1);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(top_), {}), 2);
    std::filesystem::remove_all(top_);
  }

  Outcome<Unpacked> unpackBytes(const std::string& bytes, const UnpackLimits& limits = generous) {
    Fd input(::memfd_create("tar", MFD_CLOEXEC));
    EXPECT_TRUE(writeAll(input.get(), bytes));
    ::lseek(input.get(), 0, SEEK_SET);
    return unpack(input.get(), openDirectory(root_).get(), limits);
  }
  Outcome<Unpacked> unpackTar(TarBuilder& tar, const UnpackLimits& limits = generous) {
    return unpackBytes(tar.finish(), limits);
  }
  void expectRefused(TarBuilder& tar, Code code = Code::invalidArgument) {
    auto counted = unpackTar(tar);
    ASSERT_FALSE(counted);
    EXPECT_EQ(counted.error().code, code) << describe(counted.error());
  }

  static std::string textOf(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static struct stat statOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  [[nodiscard]] std::string at(const std::string& name) const { return root_ + "/" + name; }
  [[nodiscard]] bool isWhiteout(const std::string& name) const {
    struct stat info = statOf(at(name));
    return S_ISCHR(info.st_mode) && info.st_rdev == 0;
  }
  [[nodiscard]] bool isOpaque(const std::string& name) const {
    char mark = 0;
    return ::getxattr(at(name).c_str(), "user.overlay.opaque", &mark, 1) == 1 && mark == 'y';
  }
  void xattr(TarBuilder& tar, const std::string& file, const std::string& key, const std::string& value) {
    tar.add(file, AE_IFREG, 0755, "x", [&](archive_entry* e) {
      ::archive_entry_xattr_add_entry(e, key.c_str(), value.data(), value.size());
    });
  }

  // A GNU sparse 1.0 file (tar's manual, "Storing Sparse Files"): its map comes before its data.
  static std::string rawSparse(const std::string& map) {
    auto record = [](const std::string& key, const std::string& value) {
      std::string line = " " + key + "=" + value + "\n";
      size_t size = line.size() + 1;
      while (std::to_string(size).size() + line.size() != size) ++size;
      return std::to_string(size) + line;
    };
    std::string pax = record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") +
                      record("GNU.sparse.name", "s") + record("GNU.sparse.realsize", "5000000");
    return rawHeader("pax", 'x', pax.size()) + padded(pax) + rawHeader("s", '0', map.size()) + padded(map) +
           std::string(1024, '\0');
  }
  static std::string padded(std::string bytes) {
    bytes.resize((bytes.size() + 511) / 512 * 512);
    return bytes;
  }
  static std::string rawHeader(const std::string& name, char type, size_t size) {
    std::string header(512, '\0');
    auto put = [&](size_t offset, const std::string& text) { header.replace(offset, text.size(), text); };
    std::array<char, 12> octal{};
    std::snprintf(octal.data(), octal.size(), "%011zo", size);
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, octal.data());
    put(136, "00000000000");
    put(148, "        ");
    put(156, std::string(1, type));
    put(257, std::string("ustar\00000", 8));
    unsigned sum = 0;
    for (unsigned char c : header) sum += c;
    std::array<char, 8> check{};
    std::snprintf(check.data(), check.size(), "%06o", sum);
    put(148, std::string(check.data(), 6) + '\0');
    return header;
  }

  std::string top_;
  std::string root_;
  std::string canary_;
};

TEST_F(UnpackTest, EveryKindWithItsAttributes) {
  TarBuilder tar;
  tar.directory("./", 0711)
      .directory("d", 0500)
      .file("d/f", "hello", 04755)
      .symlink("d/s", "../nowhere")
      .hardLink("h", "d/f");
  tar.add("fifo", AE_IFIFO, 0600);
  tar.add("dev", AE_IFCHR, 0666, "", [](archive_entry* e) {
    ::archive_entry_set_rdevmajor(e, 10);
    ::archive_entry_set_rdevminor(e, 229);
  });
  tar.add("owned", AE_IFREG, 02644, "", [](archive_entry* e) {
    ::archive_entry_set_uid(e, 3'000'000'000);
    ::archive_entry_set_gid(e, 70'000);
  });
  tar.file("caf\xc3\xa9-\xff", "raw bytes");
  tar.file("/abs/./x//y", "inside");
  auto counted = unpackTar(tar);
  ASSERT_TRUE(counted) << describe(counted.error());
  EXPECT_EQ(counted->content, 5U + 9U + 6U);
  EXPECT_EQ(counted->inodes, 11U);  // two of them directories that nobody mentioned

  EXPECT_EQ(statOf(root_).st_mode & 07777U, 0711U);
  struct stat directory = statOf(at("d"));
  EXPECT_EQ(directory.st_mode & 07777U, 0500U);
  EXPECT_EQ(directory.st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(directory.st_mtim.tv_nsec, 123'456'789);
  struct stat file = statOf(at("d/f"));
  EXPECT_EQ(file.st_mode & 07777U, 04755U);
  EXPECT_EQ(file.st_mtim.tv_nsec, 123'456'789);
  EXPECT_EQ(file.st_ino, statOf(at("h")).st_ino);
  EXPECT_EQ(std::filesystem::read_symlink(at("d/s")), "../nowhere");
  EXPECT_TRUE(S_ISFIFO(statOf(at("fifo")).st_mode));
  EXPECT_EQ(statOf(at("dev")).st_rdev, ::makedev(10, 229));
  EXPECT_EQ(statOf(at("owned")).st_uid, 3'000'000'000U);
  EXPECT_EQ(statOf(at("owned")).st_gid, 70'000U);
  EXPECT_EQ(textOf(at("caf\xc3\xa9-\xff")), "raw bytes");
  EXPECT_EQ(textOf(at("abs/x/y")), "inside");
  EXPECT_EQ(statOf(at("abs")).st_mode & 07777U, 0755U);
}

TEST_F(UnpackTest, WhiteoutsBecomeOverlayMarks) {
  TarBuilder tar;
  tar.file("a/.wh.gone", "").file("o/.wh..wh..opq", "").file(".wh..wh.plnk", "").file("o/kept");
  tar.file(".wh.again", "").directory("again").file("again/new");  // hidden first, then made anew
  tar.directory("late").file("late/new").file(".wh.late", "");     // made first
  ASSERT_TRUE(unpackTar(tar));
  EXPECT_TRUE(isWhiteout("a/gone"));
  EXPECT_TRUE(isOpaque("o"));
  EXPECT_EQ(textOf(at("o/kept")), "x");
  EXPECT_FALSE(std::filesystem::exists(at(".wh..wh.plnk")));
  EXPECT_TRUE(isOpaque("again"));
  EXPECT_EQ(textOf(at("again/new")), "x");
  EXPECT_TRUE(isOpaque("late"));
  EXPECT_EQ(textOf(at("late/new")), "x");
}

TEST_F(UnpackTest, WhiteoutsOfNothingAreRefused) {
  for (const char* name : {".wh.", ".wh..", ".wh...", "d/.wh.."}) {
    TarBuilder tar;
    tar.file(name, "");
    expectRefused(tar);
  }
}

TEST_F(UnpackTest, NamesThatClimbAreRefusedByName) {
  for (const char* name : {"../out", "a/../../out", "..", "/../out", "a/.."}) {
    TarBuilder tar;
    tar.file(name);
    auto counted = unpackTar(tar);
    ASSERT_FALSE(counted) << name;
    EXPECT_EQ(counted.error().code, Code::invalidArgument);
    EXPECT_TRUE(counted.error().field.starts_with("entry '")) << counted.error().field;
  }
  TarBuilder link;
  link.file("f").hardLink("h", "../canary/file");
  expectRefused(link);
}

TEST_F(UnpackTest, SymlinkedParentsStayInside) {
  TarBuilder tar;
  tar.directory("etc").symlink("abs", "/etc").symlink("up", "../../../../etc").file("abs/a").file("up/b");
  ASSERT_TRUE(unpackTar(tar));
  EXPECT_EQ(textOf(at("etc/a")), "x");
  EXPECT_EQ(textOf(at("etc/b")), "x");
  TarBuilder out;
  out.symlink("out", canary_).file("out/pwn");
  expectRefused(out);  // in the layer there is no such directory
}

TEST_F(UnpackTest, AHardLinkIsNotFollowedNorChanged) {  // CVE-2021-32760
  TarBuilder tar;
  tar.symlink("sketchy", canary_ + "/file").hardLink("h", "sketchy", 0777);
  ASSERT_TRUE(unpackTar(tar));
  EXPECT_TRUE(S_ISLNK(statOf(at("h")).st_mode));
  TarBuilder through;
  through.symlink("dir", canary_).hardLink("stolen", "dir/file");
  expectRefused(through);
  TarBuilder directory;
  directory.directory("d").hardLink("h2", "d");
  expectRefused(directory);
  TarBuilder missing;
  missing.hardLink("h3", "nothing");
  expectRefused(missing);
}

TEST_F(UnpackTest, ADirectorySwappedForASymlinkGainsNothing) {  // CVE-2025-47290
  TarBuilder tar;
  tar.directory("a").file("a/x").symlink("a", canary_).file("a/y");
  expectRefused(tar);
}

TEST_F(UnpackTest, TheRootIsADirectoryForEver) {  // CVE-2021-29136
  for (const char* name : {".", "./", "/", "/.", "./."}) {
    TarBuilder tar;
    tar.symlink(name, canary_).file("pwn");
    expectRefused(tar);
    TarBuilder file;
    file.add(name, AE_IFIFO, 0600);
    expectRefused(file);
  }
}

TEST_F(UnpackTest, AFileThroughAFinalSymlinkReplacesIt) {
  TarBuilder tar;
  tar.symlink("link", canary_ + "/file").file("link", "new", 0666);
  tar.symlink("dlink", canary_).directory("dlink", 0777);
  ASSERT_TRUE(unpackTar(tar));
  EXPECT_TRUE(S_ISREG(statOf(at("link")).st_mode));
  EXPECT_TRUE(S_ISDIR(statOf(at("dlink")).st_mode));
}

TEST_F(UnpackTest, LaterEntriesReplaceEarlierOnes) {
  TarBuilder tar;
  tar.file("f", "old").file("f", "new").directory("d").file("d/kept").directory("d", 0700);
  tar.directory("t").file("t/deep/er").file("t", "now a file").hardLink("f", "f");
  ASSERT_TRUE(unpackTar(tar));
  EXPECT_EQ(textOf(at("f")), "new");
  EXPECT_EQ(textOf(at("d/kept")), "x");
  EXPECT_EQ(statOf(at("d")).st_mode & 07777U, 0700U);
  EXPECT_EQ(textOf(at("t")), "now a file");
}

TEST_F(UnpackTest, ForeignAttributesAreDropped) {
  TarBuilder tar;
  xattr(tar, "kept", "user.mine", "value");
  std::string capability("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                         20);
  xattr(tar, "capable", "security.capability", capability);
  for (const char* key :
       {"user.overlay.opaque", "user.overlay.metacopy", "trusted.overlay.redirect", "security.selinux"}) {
    xattr(tar, std::string("dropped-") + key, key, "y");
  }
  ASSERT_TRUE(unpackTar(tar));
  EXPECT_EQ(::getxattr(at("kept").c_str(), "user.mine", nullptr, 0), 5);
  EXPECT_EQ(::getxattr(at("capable").c_str(), "security.capability", nullptr, 0), 20);
  for (const char* key :
       {"user.overlay.opaque", "user.overlay.metacopy", "trusted.overlay.redirect", "security.selinux"}) {
    EXPECT_EQ(::getxattr(at(std::string("dropped-") + key).c_str(), key, nullptr, 0), -1) << key;
  }
}

TEST_F(UnpackTest, NumbersThatDoNotFitAreRefused) {
  for (int64_t id : {int64_t{1} << 32, int64_t{0xffffffff}, int64_t{-1}}) {
    TarBuilder tar;
    tar.add("f", AE_IFREG, 0644, "", [&](archive_entry* e) { ::archive_entry_set_uid(e, id); });
    if (id < 0) continue;  // libarchive's writer would make 0 of it
    expectRefused(tar);
    EXPECT_FALSE(std::filesystem::exists(at("f")));
  }
  TarBuilder device;
  device.add("dev", AE_IFBLK, 0644, "", [](archive_entry* e) {
    ::archive_entry_set_rdevmajor(e, 1 << 20);
    ::archive_entry_set_rdevminor(e, 0);
  });
  expectRefused(device);
}

TEST_F(UnpackTest, LimitsHold) {
  TarBuilder large;
  large.file("f", std::string(1000, 'x')).file("g", std::string(1000, 'x'));
  EXPECT_EQ(unpackTar(large, {1500, 10, true}).error().code, Code::resourceExhausted);
  TarBuilder many;
  for (int i = 0; i < 20; ++i) many.file(std::to_string(i), "");
  EXPECT_EQ(unpackTar(many, {1 << 20, 10, true}).error().code, Code::resourceExhausted);
  // Directories that nobody mentions cost an inode too: 250 for one entry of a few hundred bytes.
  std::string shallow;
  for (int i = 0; i < 250; ++i) shallow += "d/";
  TarBuilder implied;
  implied.file(shallow + "f", "");
  EXPECT_EQ(unpackTar(implied, {1 << 20, 200, true}).error().code, Code::resourceExhausted);
  TarBuilder whiteouts;
  for (int i = 0; i < 20; ++i) whiteouts.file("w/.wh." + std::to_string(i), "");
  EXPECT_EQ(unpackTar(whiteouts, {1 << 20, 20, true}).error().code, Code::resourceExhausted);
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "d/";
  TarBuilder tree;
  tree.file(deep + "f");
  expectRefused(tree);
  TarBuilder longName;
  longName.file(std::string(256, 'n'));
  expectRefused(longName);
}

TEST_F(UnpackTest, NotOneDirectoryMoreThanAllowed) {
  TarBuilder implied;
  implied.file("a/b/c/d/e/f", "");
  EXPECT_EQ(unpackTar(implied, {1 << 20, 3, true}).error().code, Code::resourceExhausted);
  EXPECT_EQ(std::distance(std::filesystem::recursive_directory_iterator(root_), {}), 3);
}

TEST_F(UnpackTest, DeviceNodesByPolicy) {  // W3
  constexpr UnpackLimits strict{1 << 20, 1000, false};
  auto node = [](TarBuilder& tar, unsigned type, unsigned minor) {
    tar.add("dev", type, 0666, "", [&](archive_entry* e) {
      ::archive_entry_set_rdevmajor(e, 0);
      ::archive_entry_set_rdevminor(e, minor);
    });
  };
  for (unsigned type : {AE_IFCHR, AE_IFBLK}) {
    TarBuilder tar;
    node(tar, type, 1);
    auto refused = unpackTar(tar, strict);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::failedPrecondition);
    EXPECT_EQ(refused.error().field, "entry 'dev'");
    EXPECT_FALSE(std::filesystem::exists(at("dev")));
  }
  TarBuilder blockZero;
  node(blockZero, AE_IFBLK, 0);
  EXPECT_FALSE(unpackTar(blockZero, strict));
  TarBuilder harmless;
  harmless.add("fifo", AE_IFIFO, 0600).file(".wh.gone", "");
  node(harmless, AE_IFCHR, 0);
  ASSERT_TRUE(unpackTar(harmless, strict));
  EXPECT_TRUE(isWhiteout("dev"));
  EXPECT_TRUE(isWhiteout("gone"));
}

TEST_F(UnpackTest, ExtendedAttributesAreBounded) {
  auto many = [&](size_t count, size_t size) {
    TarBuilder tar;
    tar.add("f", AE_IFREG, 0644, "x", [&](archive_entry* e) {
      std::string value(size, 'v');
      for (size_t i = 0; i < count; ++i) {
        std::string key = "user.k" + std::to_string(i);
        ::archive_entry_xattr_add_entry(e, key.c_str(), value.data(), value.size());
      }
    });
    return unpackTar(tar);
  };
  EXPECT_TRUE(many(20, 10));
  for (auto [count, size] : {std::pair<size_t, size_t>{200, 1}, {3, 60'000}}) {
    auto refused = many(count, size);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::resourceExhausted);
    EXPECT_NE(refused.error().reason.find("extended attributes"), std::string::npos);
  }
}

// E6, CVE-2025-58183: a sparse file's map of any length, held whole by whoever reads it.
TEST_F(UnpackTest, ASparseMapIsBounded) {
  auto sparse = [&](size_t regions) {
    std::string map = std::to_string(regions) + "\n";
    for (size_t i = 0; i < regions; ++i) map += std::to_string(i * 2) + "\n0\n";
    map.resize((map.size() + 511) / 512 * 512);
    return rawSparse(map);
  };
  constexpr UnpackLimits roomy{1 << 30, 10, true};
  EXPECT_TRUE(unpackBytes(sparse(1000), roomy));
  auto refused = unpackBytes(sparse(600'000), roomy);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::resourceExhausted);
  EXPECT_NE(refused.error().reason.find("sparse"), std::string::npos) << refused.error().reason;
}

TEST_F(UnpackTest, AHundredThousandEntries) {
  TarBuilder tar(256 * 1024 * 1024);
  for (int i = 0; i < 100'000; ++i) tar.file("d" + std::to_string(i % 300) + "/" + std::to_string(i), "");
  auto counted = unpackTar(tar, {1 << 30, 200'000, true});
  ASSERT_TRUE(counted) << describe(counted.error());
  EXPECT_EQ(counted->inodes, 100'300U);
}

TEST_F(UnpackTest, LongPathsAndTimesOfAnyYear) {
  std::string deep;
  for (int i = 0; i < 15; ++i) deep += std::string(250, static_cast<char>('a' + i)) + "/";
  TarBuilder tar;
  tar.file(deep + "f");
  tar.symlink("long", std::string(4000, 't'));
  tar.add("old", AE_IFREG, 0644, "", [](archive_entry* e) { ::archive_entry_set_mtime(e, -1'000'000, 0); });
  tar.add("late", AE_IFREG, 0644, "", [](archive_entry* e) { ::archive_entry_set_mtime(e, 1LL << 60, 0); });
  auto counted = unpackTar(tar);
  ASSERT_TRUE(counted) << describe(counted.error());
  EXPECT_EQ(textOf(at(deep + "f")), "x");
  EXPECT_EQ(statOf(at("old")).st_mtim.tv_sec, -1'000'000);
  EXPECT_GT(statOf(at("late")).st_mtim.tv_sec, 1LL << 31);
}

// Owner and mode where the file system gives others than those that were asked for.
TEST_F(UnpackTest, ASetgidDirectoryGivesNobodyItsGroup) {
  TarBuilder tar;
  tar.add("shared", AE_IFDIR, 02775, "", [](archive_entry* e) { ::archive_entry_set_gid(e, 50); });
  tar.file("shared/f", "x", 0664).directory("shared/d", 0755);
  tar.add("shared/suid", AE_IFREG, 06755, "x", [](archive_entry* e) { ::archive_entry_set_uid(e, 7); });
  ASSERT_TRUE(unpackTar(tar));
  EXPECT_EQ(statOf(at("shared")).st_gid, 50U);
  EXPECT_EQ(statOf(at("shared/f")).st_gid, 0U);
  EXPECT_EQ(statOf(at("shared/f")).st_mode & 07777U, 0664U);
  EXPECT_EQ(statOf(at("shared/d")).st_gid, 0U);
  EXPECT_EQ(statOf(at("shared/d")).st_mode & 07777U, 0755U);
  EXPECT_EQ(statOf(at("shared/suid")).st_mode & 07777U, 06755U);
}

TEST_F(UnpackTest, BrokenArchivesAreRefused) {
  TarBuilder tar;
  tar.file("f", std::string(5000, 'x')).file("g");
  std::string whole = tar.finish();
  for (size_t size : {size_t{100}, size_t{700}, size_t{1600}, size_t{3000}}) {
    EXPECT_FALSE(unpackBytes(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(unpackBytes(""));
  EXPECT_FALSE(unpackBytes(std::string(2048, 'g')));
  std::string damaged = whole;
  damaged[1024 + 20] ^= 1;  // in the second header: the first is pax's
  EXPECT_FALSE(unpackBytes(damaged));
  EXPECT_TRUE(unpackBytes(std::string(1024, '\0')));             // an empty layer
  EXPECT_TRUE(unpackBytes(whole + std::string(100'000, '\0')));  // padding
}

TEST_F(UnpackTest, SparseFilesStaySparse) {
  TarBuilder tar;
  std::string bytes = "start" + std::string(500'000, '\0') + "end";
  tar.add("s", AE_IFREG, 0644, bytes, [&](archive_entry* e) {
    ::archive_entry_sparse_add_entry(e, 0, 4096);
    ::archive_entry_sparse_add_entry(e, 499'712, static_cast<int64_t>(bytes.size()) - 499'712);
  });
  ASSERT_TRUE(unpackTar(tar));
  EXPECT_EQ(textOf(at("s")), bytes);
  EXPECT_LT(statOf(at("s")).st_blocks * 512, 100'000);
}

}  // namespace
}  // namespace bulkhead::worker
