// Target: how a command reaches the daemon.
#pragma once

#include <string>

namespace bulkhead::cli {

struct Target {
  std::string root;    // empty: the packaged places
  std::string socket;  // "unix:///path" or a path; empty: that of the instance at `root`
};

}  // namespace bulkhead::cli
