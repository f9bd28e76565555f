// A layer's tar, unpacked into a tmpfs in a mount namespace of this process's own. Needs root, as the worker
// does.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "daemons/storaged/worker/erase.h"
#include "daemons/storaged/worker/unpack.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;

namespace {

constexpr worker::UnpackLimits small{1 << 20, 200, true};
constexpr std::size_t blockSize = 512;

// The tmpfs: `root`, which the archive is unpacked into, and beside it what it must not reach.
class Cage {
 public:
  Cage() {
    fuzz::check(::unshare(CLONE_NEWNS) == 0, "a mount namespace");
    fuzz::check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
    fuzz::check(::mount("fuzz", "/mnt", "tmpfs", MS_NODEV | MS_NOSUID | MS_NOEXEC, "size=64m") == 0,
                "a tmpfs");
    for (const char* name : {"root", "canary"}) (void)makeDirectory(openDirectory("/mnt").get(), name, 0755);
    Fd file(::open("/mnt/canary/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0400));
    fuzz::check(file && writeAll(file.get(), "canary"), "a canary");
    before_ = canary();
    root_ = openDirectory("/mnt/root");
  }

  [[nodiscard]] int root() const { return root_.get(); }

  void checkOutside() const {
    fuzz::check(canary() == before_, "nothing outside changes");
    auto names = std::filesystem::directory_iterator("/mnt");
    fuzz::check(std::distance(begin(names), end(names)) == 2, "nothing is made outside");
  }

 private:
  static std::array<std::int64_t, 5> canary() {
    struct stat info {};
    fuzz::check(::lstat("/mnt/canary/file", &info) == 0, "the canary lives");
    return {info.st_mode, info.st_uid, static_cast<std::int64_t>(info.st_nlink), info.st_size,
            info.st_ctim.tv_nsec};
  }

  Fd root_;
  std::array<std::int64_t, 5> before_{};
};

void writeOctal(char* field, int digits, std::size_t value) {
  field[digits] = '\0';
  for (int i = digits; i-- > 0; value /= 8) field[i] = static_cast<char>('0' + value % 8);
}

// Sums that every reader of tar checks first, so that the mutations behind them are seen. Sizes past the end
// become what is left.
void mend(std::string& tar) {
  for (std::size_t at = 0; at + blockSize <= tar.size();) {
    char* header = tar.data() + at;
    at += blockSize;
    if (std::all_of(header, header + blockSize, [](char byte) { return byte == 0; })) continue;
    std::array<char, 13> digits{};
    std::memcpy(digits.data(), header + 124, 12);
    std::size_t size = std::strtoull(digits.data(), nullptr, 8);
    if (size > tar.size() - at) {
      size = tar.size() - at;
      writeOctal(header + 124, 11, size);
    }
    std::memset(header + 148, ' ', 8);
    std::size_t sum = 0;
    for (std::size_t i = 0; i < blockSize; ++i) sum += static_cast<unsigned char>(header[i]);
    writeOctal(header + 148, 6, sum);
    at += (size + blockSize - 1) / blockSize * blockSize;
  }
}

void checkFile(const std::filesystem::path& path) {
  struct stat info {};
  fuzz::check(::lstat(path.c_str(), &info) == 0, "what was listed is there");
  if (S_ISREG(info.st_mode))
    fuzz::check(static_cast<std::uint64_t>(info.st_size) <= small.bytes, "no file is too large");
  std::array<char, 4096> names{};
  ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  for (const char* name = names.data(); size > 0 && name < names.data() + size;
       name += std::strlen(name) + 1) {
    std::string_view text(name);
    bool ours = text == "user.overlay.opaque";
    bool layers =
        text == "security.capability" || (text.starts_with("user.") && !text.starts_with("user.overlay."));
    fuzz::check(ours || layers, "no other extended attribute gets in");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Cage cage;
  std::string tar(reinterpret_cast<const char*>(data), size);
  mend(tar);
  Fd input(::memfd_create("tar", MFD_CLOEXEC));
  fuzz::check(writeAll(input.get(), tar), "the input is written");
  ::lseek(input.get(), 0, SEEK_SET);

  auto counted = worker::unpack(input.get(), cage.root(), small);
  if (counted)
    fuzz::check(counted->inodes <= small.entries && counted->content <= small.bytes, "limits are kept");
  if (!counted) fuzz::check(counted.error().code != Code::internal, "no internal error");
  std::uint64_t found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("/mnt/root")) {
    checkFile(entry.path());
    ++found;
  }
  fuzz::check(found <= small.entries, "no more files than allowed");
  cage.checkOutside();
  fuzz::check(worker::eraseContents(cage.root()).has_value(), "what was unpacked can be erased");
  fuzz::check(std::filesystem::is_empty("/mnt/root"), "nothing is left");
  return 0;
}
