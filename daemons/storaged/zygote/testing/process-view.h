// For tests: processes as /proc shows them.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace bulkhead::zygote {

inline std::string textOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Its process id as text.
inline std::string onlyChildOf(pid_t parent) {
  std::string pid = std::to_string(parent);
  std::istringstream children(textOf("/proc/" + pid + "/task/" + pid + "/children"));
  std::string child;
  std::string another;
  children >> child;
  EXPECT_FALSE(children >> another) << "two children";
  return child;
}

}  // namespace bulkhead::zygote
