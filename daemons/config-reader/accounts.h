// The node's accounts, from its local files: opened before confinement, read after it.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

namespace bulkhead::config {

struct Account {
  uid_t uid;
  gid_t gid;
};

class Accounts {
 public:
  // Opens /etc/passwd and /etc/group (or other files, for tests); one that is absent is empty.
  explicit Accounts(const std::string& passwd = "/etc/passwd", const std::string& group = "/etc/group");

  [[nodiscard]] std::optional<Account> user(const std::string& name) const;
  [[nodiscard]] std::optional<gid_t> group(const std::string& name) const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> passwd_;
  std::unique_ptr<std::FILE, Close> group_;
};

}  // namespace bulkhead::config
