#include "daemons/shim/monitor/oom-counter.h"

#include <unistd.h>

#include <array>
#include <string_view>

namespace bulkhead::shim {

// Both files have the line "oom_kill N".
bool countsOomKill(int counter) {
  constexpr std::string_view key = "oom_kill ";
  std::array<char, 1024> text{};
  ssize_t size = ::pread(counter, text.data(), text.size(), 0);
  if (size <= 0) return false;
  std::string_view all(text.data(), static_cast<size_t>(size));
  for (size_t at = all.find(key); at != all.npos; at = all.find(key, at + 1)) {
    bool atLine = at == 0 || all[at - 1] == '\n';
    size_t number = at + key.size();
    if (atLine) return number < all.size() && all[number] != '0';
  }
  return false;
}

}  // namespace bulkhead::shim
