// For tests: the store's directories, as storaged's main makes them. Needs root.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead {

constexpr uid_t testUid = 64123;  // nobody's on a sane machine

// A store as storaged's main makes it, removed at the end.
class TestStore {
 public:
  TestStore() : path_((std::filesystem::temp_directory_path() / "bulkhead-store-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throwErrno("mkdtemp");
    for (const char* name : {"layers", "staging", "trash", "containers", "trust"}) makeDirectory(name);
    // As /etc: root's, and everybody may enter.
    if (::chown(trust().c_str(), 0, 0) != 0 || ::chmod(trust().c_str(), 0755) != 0) throwErrno("chown");
    if (::chown(path_.c_str(), testUid, testUid) != 0) throwErrno("chown");
  }
  ~TestStore() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestStore(const TestStore&) = delete;
  TestStore& operator=(const TestStore&) = delete;

  // A directory of main's: its own, and closed to everybody else.
  std::string makeDirectory(const std::string& name) const {
    std::string path = path_ + "/" + name;
    if (::mkdir(path.c_str(), 0700) != 0 || ::chown(path.c_str(), testUid, testUid) != 0)
      throwErrno("mkdir " + name);
    return path;
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  // What stands for /etc.
  [[nodiscard]] std::string trust() const { return path_ + "/trust"; }

 private:
  std::string path_;
};

}  // namespace bulkhead
