// A request's head, and what is answered; then, behind a second empty line, sizes of a terminal.
#include <cstddef>
#include <cstdint>

#include "daemons/cri-frontend/streaming/remote-command.h"
#include "tests/fuzz/check.h"

using namespace bulkhead::streaming;
using bulkhead::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t length = headLength(text);
  ResizeReader().feed(text.substr(length), [](Size) {});
  auto upgrade = parseHead(text.substr(0, length));
  if (!upgrade) {
    check(upgrade.error() >= 400 && upgrade.error() < 500, "a refusal is a 4xx");
    check(headLength(refusal(upgrade.error())) > 0, "a refusal is a whole head");
    return 0;
  }
  check(upgrade->path.starts_with('/'), "a path is one");
  auto protocol = chooseProtocol(*upgrade);
  if (!protocol) return 0;
  std::string answer = acceptance(*upgrade, protocol->name);
  check(answer.starts_with("HTTP/1.1 101 ") && headLength(answer) == answer.size(),
        "nothing of the client's is in the answer");
  return 0;
}
