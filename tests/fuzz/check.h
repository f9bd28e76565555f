// What must hold of an answer, in every build type.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace bulkhead::fuzz {

inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace bulkhead::fuzz
