// Root's files, as the verifier sees them: one directory of the host's (/etc), read-only, as its root.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"

namespace bulkhead::verifier {

class TrustFiles {
 public:
  // `root` is what the host calls `name` (absolute). Takes the descriptor.
  TrustFiles(Fd root, std::string name) : root_(std::move(root)), name_(std::move(name)) {}

  // `path` is the host's, absolute. Refuses failedPrecondition, naming it: not beneath the directory, behind
  // a symbolic link (which would be followed in another root than the one it was made for), no regular file,
  // absent, not readable for us, over 1 MiB.
  [[nodiscard]] Outcome<std::string> read(const std::string& path) const;
  // The same, with nothing for a file that is not there, as opposed to one behind a dangling link.
  [[nodiscard]] Outcome<std::optional<std::string>> readIfThere(const std::string& path) const;
  // The paths of all NAME.json in a directory, at most 1,024 of them; none if it is not there or not
  // readable.
  [[nodiscard]] std::vector<std::string> policiesIn(const std::string& directory) const;

 private:
  [[nodiscard]] std::optional<std::string> beneath(const std::string& path) const;
  Fd root_;
  std::string name_;
};

}  // namespace bulkhead::verifier
