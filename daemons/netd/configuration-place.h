// Where the CNI configuration is, as it was when netd was confined. Landlock lets netd read beneath
// directories, not paths: one that was replaced by another of its name is closed to it until it starts anew.
#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace bulkhead::netd {

class ConfigurationPlace {
 public:
  // Looks at `directory`, absolute, which may be a symbolic link. Before confinement.
  explicit ConfigurationPlace(const std::string& directory);

  // What netd has to be able to read: the directory's parent, since it may be deleted and made anew itself,
  // and the parent of what it is a link to. One and the same, mostly.
  [[nodiscard]] const std::array<std::string, 2>& parents() const { return parents_; }

  // Whether one of them is now a directory that netd may not read.
  [[nodiscard]] bool moved() const;

 private:
  using Identity = std::pair<dev_t, ino_t>;
  // Of those that exist.
  [[nodiscard]] std::vector<Identity> look() const;

  std::array<std::string, 2> parents_;
  std::vector<Identity> seen_;
};

}  // namespace bulkhead::netd
