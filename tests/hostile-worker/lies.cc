#include "tests/hostile-worker/lies.h"

#include <unistd.h>

#include <cctype>
#include <csignal>

#include "daemons/common/base/io.h"

namespace bulkhead::hostile {
namespace {

constexpr std::string_view mark = "lie-";

void flood(int descriptor) {
  const std::string zeros(1 << 20, '\0');
  for (int i = 0; i < 64; ++i) {
    if (!writeAll(descriptor, zeros)) return;
  }
}

}  // namespace

std::string lieIn(std::string_view bytes) {
  std::size_t at = bytes.find(mark);
  if (at == bytes.npos) return {};
  std::string lie;
  for (at += mark.size(); at < bytes.size() && (std::islower(bytes[at]) != 0 || bytes[at] == '-'); ++at)
    lie += bytes[at];
  return lie;
}

std::string readAll(int descriptor) {
  constexpr std::size_t plenty = 4 << 20;
  return readBounded(descriptor, plenty).value_or("");
}

void tellCommonLie(const std::string& lie) {
  constexpr int answer = 3;
  while (lie == "hang") flood(STDERR_FILENO);
  if (lie == "die") (void)::raise(SIGKILL);
  if (lie == "flood-answer") flood(answer);
}

}  // namespace bulkhead::hostile
