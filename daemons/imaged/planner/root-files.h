// Files of root's that decide where images come from: opened, checked and read whole.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace bulkhead::planner {

// One of them cannot be used; the text names it, and is for root to read.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Of one file.
inline constexpr size_t largestFile = 1024 * 1024;

enum class Owner {
  root,    // decides for the node: root's, and writable by nobody else
  anyone,  // only its own use hangs on it
};

// The file's text, or nothing if there is none by that name. Throws FileError: another owner or mode, not a
// regular file, over a MiB, or not readable by the user we run as (the text says which).
std::optional<std::string> readFile(const std::string& path, Owner owner);

// Names in `directory` that end in `suffix` and do not begin with a dot, in byte order; none if there is no
// such directory. Throws FileError.
std::vector<std::string> namesIn(const std::string& directory, const std::string& suffix);

// Is there a directory by that name?
bool isDirectory(const std::string& path);

}  // namespace bulkhead::planner
