#include "daemons/storaged/worker/measure.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <unordered_set>
#include <vector>

#include "daemons/storaged/worker/listing.h"

namespace bulkhead::worker {
namespace {

constexpr size_t deepest = 256;  // one descriptor a level
constexpr std::int64_t nanoseconds = 1'000'000'000;
constexpr uint64_t blockSize = 512;  // unit of st_blocks, stat(3type)

class Counter {
 public:
  explicit Counter(std::int64_t since) : since_(since) {}
  // Counts a file unless another name of it was counted.
  void add(const struct stat& info) {
    if (info.st_ctim.tv_sec * nanoseconds + info.st_ctim.tv_nsec < since_) return;
    if (!S_ISDIR(info.st_mode) && info.st_nlink > 1 && !linked_.insert(info.st_ino).second) return;
    counted_.inodes += 1;
    counted_.bytes += static_cast<uint64_t>(info.st_blocks) * blockSize;
  }
  [[nodiscard]] Counted counted() const { return counted_; }

 private:
  std::int64_t since_;
  Counted counted_;
  std::unordered_set<ino_t> linked_;  // one file system: the cell has one mount
};

}  // namespace

Outcome<Counted> measure(int directory, std::int64_t since) {
  Counter counter(since);
  std::vector<Directory> levels;
  levels.push_back(openListing(directory, "."));
  if (!levels.back()) return refuse(Code::internal, "directory", "cannot be listed: " + errnoText(errno));
  while (!levels.empty()) {
    const dirent* entry = ::readdir(levels.back().get());
    if (entry == nullptr) {
      levels.pop_back();
      continue;
    }
    struct stat info {};
    int parent = ::dirfd(levels.back().get());
    if (isDots(entry->d_name) || ::fstatat(parent, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    counter.add(info);
    if (!S_ISDIR(info.st_mode) || levels.size() >= deepest) continue;
    if (Directory next = openListing(parent, entry->d_name)) levels.push_back(std::move(next));
  }
  return counter.counted();
}

}  // namespace bulkhead::worker
