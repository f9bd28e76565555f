// For tests: tar archives, honest and otherwise, made with libarchive's writer.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <functional>
#include <string>
#include <vector>

namespace bulkhead::worker {

class TarBuilder {
 public:
  explicit TarBuilder(size_t most = 4 * 1024 * 1024) : buffer_(most), writer_(::archive_write_new()) {
    ::archive_write_set_format_pax(writer_);
    ::archive_write_open_memory(writer_, buffer_.data(), buffer_.size(), &used_);
  }
  ~TarBuilder() { ::archive_write_free(writer_); }
  TarBuilder(const TarBuilder&) = delete;
  TarBuilder& operator=(const TarBuilder&) = delete;

  using Change = std::function<void(archive_entry*)>;

  TarBuilder& add(const std::string& name, unsigned type, unsigned mode, const std::string& bytes = "",
                  const Change& change = nullptr) {
    archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, name.c_str());
    ::archive_entry_set_filetype(entry, type);
    ::archive_entry_set_perm(entry, static_cast<mode_t>(mode));
    ::archive_entry_set_size(entry, static_cast<int64_t>(bytes.size()));
    ::archive_entry_set_mtime(entry, 1'000'000'000, 123'456'789);
    if (change) change(entry);
    ::archive_write_header(writer_, entry);
    if (!bytes.empty()) ::archive_write_data(writer_, bytes.data(), bytes.size());
    ::archive_write_finish_entry(writer_);
    ::archive_entry_free(entry);
    return *this;
  }
  TarBuilder& file(const std::string& name, const std::string& bytes = "x", unsigned mode = 0644) {
    return add(name, AE_IFREG, mode, bytes);
  }
  TarBuilder& directory(const std::string& name, unsigned mode = 0755) { return add(name, AE_IFDIR, mode); }
  TarBuilder& symlink(const std::string& name, const std::string& target) {
    return add(name, AE_IFLNK, 0777, "",
               [&](archive_entry* e) { ::archive_entry_set_symlink(e, target.c_str()); });
  }
  TarBuilder& hardLink(const std::string& name, const std::string& target, unsigned mode = 0644) {
    return add(name, AE_IFREG, mode, "",
               [&](archive_entry* e) { ::archive_entry_set_hardlink(e, target.c_str()); });
  }

  std::string finish() {
    ::archive_write_close(writer_);
    return {buffer_.data(), used_};
  }

 private:
  std::vector<char> buffer_;
  size_t used_ = 0;
  archive* writer_;
};

}  // namespace bulkhead::worker
