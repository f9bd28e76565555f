#include "daemons/storaged/worker/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <memory>
#include <string>

#include "daemons/storaged/worker/entry-name.h"
#include "daemons/storaged/worker/layer-bytes.h"
#include "daemons/storaged/worker/layer-tree.h"
#include "ipc/limits.h"

namespace bulkhead::worker {
namespace {

// Linux device numbers (kernel, include/linux/kdev_t.h): 12 bits major, 20 bits minor.
constexpr dev_t largestMajor = (1U << 12) - 1;
constexpr dev_t largestMinor = (1U << 20) - 1;
constexpr int64_t largestId = std::numeric_limits<uid_t>::max() - 1LL;  // -1 means "leave it" to chown

// Files of so many bytes, and so many more of one, are worth a call of their own.
constexpr int64_t writeAhead = 1024 * 1024;

struct FreeArchive {
  void operator()(archive* reader) const { ::archive_read_free(reader); }
};

// What the low bits of libarchive's file type mean is stat's; hard links have the type 0 and a target.
enum class EntryType { file, directory, symlink, hardLink, node, unknown };

EntryType typeOf(archive_entry* entry, std::string_view name) {
  if (::archive_entry_hardlink(entry) != nullptr) return EntryType::hardLink;
  switch (::archive_entry_filetype(entry)) {
    case AE_IFREG:
      // Old tars call a directory a file whose name ends in a slash.
      return name.ends_with('/') ? EntryType::directory : EntryType::file;
    case AE_IFDIR:
      return EntryType::directory;
    case AE_IFLNK:
      return EntryType::symlink;
    case AE_IFCHR:
    case AE_IFBLK:
    case AE_IFIFO:
      return EntryType::node;
    default:
      return EntryType::unknown;
  }
}

Outcome<Attributes> attributesOf(archive_entry* entry, const char* raw) {
  int64_t uid = ::archive_entry_uid(entry);
  int64_t gid = ::archive_entry_gid(entry);
  if (uid < 0 || uid > largestId || gid < 0 || gid > largestId)
    return invalid(fieldOf(raw), "has an owner that no file can have");
  Attributes attributes;
  attributes.uid = static_cast<uid_t>(uid);
  attributes.gid = static_cast<gid_t>(gid);
  attributes.mode = static_cast<mode_t>(::archive_entry_perm(entry)) & 07777;
  attributes.modified = {::archive_entry_mtime(entry), ::archive_entry_mtime_nsec(entry)};
  if (attributes.modified.tv_nsec < 0 || attributes.modified.tv_nsec > 999'999'999) {
    return invalid(fieldOf(raw), "has a time that is none");
  }
  const char* key = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  size_t total = 0;
  ::archive_entry_xattr_reset(entry);
  while (::archive_entry_xattr_next(entry, &key, &value, &size) == ARCHIVE_OK) {
    if (key == nullptr || !keepsXattr(key)) continue;
    total += std::string_view(key).size() + size;
    if (attributes.xattrs.size() >= limits::entryXattrs || total > limits::entryXattrBytes)
      return refuse(Code::resourceExhausted, fieldOf(raw),
                    "has too many extended attributes, or too large ones");
    attributes.xattrs.emplace_back(key, std::string(static_cast<const char*>(value), size));
  }
  return attributes;
}

class Unpacker {
 public:
  Unpacker(int input, int root, const UnpackLimits& limits)
      : bytes_(input), limits_(limits), tree_(root, limits.entries), reader_(::archive_read_new()) {}

  Outcome<Unpacked> run() {
    if (!reader_ || ::archive_read_support_format_tar(reader_.get()) != ARCHIVE_OK ||
        !bytes_.open(reader_.get())) {
      return malformed("cannot be read");
    }
    archive_entry* entry = nullptr;
    for (std::uint64_t count = 0; true; ++count) {
      bytes_.expectHeader();
      int status = ::archive_read_next_header(reader_.get(), &entry);
      if (status == ARCHIVE_EOF) break;
      if (bytes_.exceeded()) return headerTooLarge();
      if (!isUsable(status)) return malformed("is not a whole tar archive");
      if (count >= limits_.entries) return refuse(Code::resourceExhausted, "layer", "has too many entries");
      if (auto done = unpackEntry(entry); !done) return tl::unexpected(done.error());
      // What an entry carries that has no use for it: nothing is held.
      bytes_.expectAnything();
      if (!isUsable(::archive_read_data_skip(reader_.get()))) return malformed("is not a whole tar archive");
    }
    if (auto done = tree_.finishDirectories(); !done) return tl::unexpected(done.error());
    // Whoever hashes the stream behind us writes it to the end: tar pads, and some builders pad more.
    if (auto done = bytes_.drain(limits_.bytes); !done) return tl::unexpected(done.error());
    return Unpacked{written_, tree_.inodes()};
  }

 private:
  // Names stay bytes: without a locale libarchive warns that it cannot convert UTF-8 and leaves them as they
  // were, which is what we want. Every other warning says that it ignored something.
  [[nodiscard]] bool isUsable(int status) const {
    return status == ARCHIVE_OK || (status == ARCHIVE_WARN && ::archive_errno(reader_.get()) == EILSEQ);
  }

  static tl::unexpected<Refusal> malformed(const char* reason) { return invalid("layer", reason); }

  Outcome<void> unpackEntry(archive_entry* entry) {
    const char* raw = ::archive_entry_pathname(entry);
    if (raw == nullptr) return malformed("has an entry without a name");
    auto name = EntryName::parse(raw);
    if (!name) return tl::unexpected(name.error());
    auto attributes = attributesOf(entry, raw);
    if (!attributes) return tl::unexpected(attributes.error());
    if (!name->isRoot() && kindOf(name->last()) != NameKind::file) return unpackMark(*name, raw);

    switch (typeOf(entry, raw)) {
      case EntryType::directory:
        return tree_.makeDirectory(*name, *attributes);
      case EntryType::file:
        return unpackFile(entry, *name, *attributes, raw);
      case EntryType::symlink:
        return unpackSymlink(entry, *name, *attributes, raw);
      case EntryType::hardLink:
        return unpackHardLink(entry, *name);
      case EntryType::node:
        return unpackNode(entry, *name, *attributes, raw);
      case EntryType::unknown:
        break;
    }
    return invalid(fieldOf(raw), "is of a kind that layers do not have");
  }

  Outcome<void> unpackMark(const EntryName& name, const char* raw) {
    NameKind kind = kindOf(name.last());
    if (kind == NameKind::ignored) return {};
    if (kind == NameKind::opaque) return tree_.makeOpaque(name);
    std::string target = whiteoutTarget(name.last());
    if (target.empty()) return invalid(fieldOf(raw), "is a whiteout of nothing");
    return tree_.makeWhiteout(name, target);
  }

  Outcome<void> unpackFile(archive_entry* entry, const EntryName& name, const Attributes& attributes,
                           const char* raw) {
    int64_t size = ::archive_entry_size(entry);
    if (size < 0) return invalid(fieldOf(raw), "has a negative size");
    if (static_cast<uint64_t>(size) > limits_.bytes) return tooLarge();
    auto file = tree_.makeFile(name, attributes);
    if (!file) return tl::unexpected(file.error());
    if (auto done = copyData(file->get(), raw); !done) return done;
    if (size >= writeAhead) beginWriting(file->get());
    return tree_.finishFile(file->get(), name, attributes, size);
  }

  // The disk works while we do, and the syncfs(2) of the whole image finds little left. A write that fails is
  // told there.
  static void beginWriting(int file) { (void)::sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE); }

  Outcome<void> copyData(int file, const char* raw) {
    for (std::uint64_t begun = written_; true;) {
      const void* block = nullptr;
      size_t size = 0;
      int64_t offset = 0;
      bytes_.expectHeader();  // a sparse file's map comes before its data
      int status = ::archive_read_data_block(reader_.get(), &block, &size, &offset);
      if (status == ARCHIVE_EOF) return {};
      if (bytes_.exceeded()) return headerTooLarge();
      if (!isUsable(status)) return invalid(fieldOf(raw), "is cut short");
      if (offset < 0 || static_cast<uint64_t>(offset) > limits_.bytes || size > limits_.bytes - written_)
        return tooLarge();
      written_ += size;
      if (!writeAt(file, static_cast<const char*>(block), size, offset)) return writeFailed(raw);
      if (written_ - begun < writeAhead * 8) continue;
      begun = written_;
      beginWriting(file);
    }
  }

  static bool writeAt(int file, const char* bytes, size_t size, int64_t offset) {
    while (size > 0) {
      ssize_t n = ::pwrite(file, bytes, size, offset);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return false;
      bytes += n;
      offset += n;
      size -= static_cast<size_t>(n);
    }
    return true;
  }

  Outcome<void> unpackSymlink(archive_entry* entry, const EntryName& name, const Attributes& attributes,
                              const char* raw) {
    const char* target = ::archive_entry_symlink(entry);
    if (target == nullptr || *target == '\0') return invalid(fieldOf(raw), "is a symlink to nothing");
    return tree_.makeSymlink(name, target, attributes);
  }

  Outcome<void> unpackHardLink(archive_entry* entry, const EntryName& name) {
    auto target = EntryName::parse(::archive_entry_hardlink(entry));
    if (!target) return tl::unexpected(target.error());
    return tree_.makeHardLink(name, *target);
  }

  Outcome<void> unpackNode(archive_entry* entry, const EntryName& name, const Attributes& attributes,
                           const char* raw) {
    auto type = static_cast<mode_t>(::archive_entry_filetype(entry));
    dev_t device = 0;
    if (type != AE_IFIFO) {
      // Whatever overlayfs reads as a whiteout is one.
      bool isMark =
          type == AE_IFCHR && ::archive_entry_rdevmajor(entry) == 0 && ::archive_entry_rdevminor(entry) == 0;
      if (!limits_.deviceNodes && !isMark) {
        return refuse(Code::failedPrecondition, fieldOf(raw),
                      "is a device node, which pull.device_nodes refuses");
      }
      dev_t major = ::archive_entry_rdevmajor(entry);
      dev_t minor = ::archive_entry_rdevminor(entry);
      if (major > largestMajor || minor > largestMinor)
        return invalid(fieldOf(raw), "has a device number that is none");
      device = ::makedev(static_cast<unsigned>(major), static_cast<unsigned>(minor));
    }
    return tree_.makeNode(name, type, device, attributes);
  }

  static tl::unexpected<Refusal> tooLarge() {
    return refuse(Code::resourceExhausted, "layer", "is larger than allowed");
  }
  static tl::unexpected<Refusal> headerTooLarge() {
    return refuse(Code::resourceExhausted, "layer",
                  "has a header, or a sparse file's map, that is too large");
  }
  static tl::unexpected<Refusal> writeFailed(const char* raw) {
    return refuse(Code::resourceExhausted, fieldOf(raw), "cannot be written: " + errnoText(errno));
  }

  LayerBytes bytes_;  // before its reader
  UnpackLimits limits_;
  LayerTree tree_;
  std::unique_ptr<archive, FreeArchive> reader_;
  std::uint64_t written_ = 0;
};

}  // namespace

Outcome<Unpacked> unpack(int input, int root, const UnpackLimits& limits) {
  return Unpacker(input, root, limits).run();
}

}  // namespace bulkhead::worker
