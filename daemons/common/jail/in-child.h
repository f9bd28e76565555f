// For tests of what cannot be undone: runs a body in a forked child and says how it ended.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

namespace bulkhead::jail {

constexpr int childThrew = 99;

// The wait status. The child exits with what `body` returns, or with childThrew.
template <typename Body>
int statusOfChild(Body body) {
  std::fflush(nullptr);
  pid_t child = ::fork();
  if (child == 0) {
    try {
      ::_exit(body());
    } catch (const std::exception& error) {
      (void)std::fprintf(stderr, "child: %s\n", error.what());
      (void)std::fflush(stderr);
      ::_exit(childThrew);
    }
  }
  int status = -1;
  (void)::waitpid(child, &status, 0);
  return status;
}

// The exit code, or 128 + signal.
template <typename Body>
int codeOfChild(Body body) {
  int status = statusOfChild(body);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace bulkhead::jail
