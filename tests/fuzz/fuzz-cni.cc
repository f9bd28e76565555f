#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "daemons/common/base/address.h"
#include "daemons/common/base/ids.h"
#include "daemons/netd/cni-result.h"
#include "daemons/netd/plugin-config.h"
#include "daemons/netd/pod-record.h"
#include "tests/fuzz/check.h"

namespace {

using namespace bulkhead::netd;
using bulkhead::fuzz::check;

void asList(std::string_view text) {
  auto list = parseConflist(text, "file");
  if (!list) return;
  check(!list->plugins.empty(), "somebody does something");
  for (const std::string& name : list->executables())
    check(bulkhead::isPlainName(name), "an executable is a name");
  auto again = parseConflist(list->document().dump(), "record");
  check(again && again->document() == list->document(), "a record of it reads the same");
  for (const Plugin& plugin : list->plugins) {
    check(Json::accept(statusConfig(*list, plugin)), "a plugin is given JSON");
    check(Json::accept(collectConfig(*list, plugin, {})), "a plugin is given JSON");
  }
}

void asResult(std::string_view text) {
  auto result = parseCniResult(text, "plugin");
  if (!result) return;
  for (const std::string& address : result->addresses)
    check(bulkhead::isAddress(address), "an address is one");
  auto again = parseCniResult(result->document.dump(), "recorded");
  check(again && again->addresses == result->addresses, "a record of it reads the same");
}

void asFailure(std::string_view text) {
  std::string reason = pluginFailure("plugin", 1, text, text).reason;
  check(reason.size() < 8192, "an error is bounded");
  check(std::all_of(reason.begin(), reason.end(),
                    [](unsigned char c) { return (c >= ' ' && c < 0x7f) || c >= 0x80; }),
        "an error is printable");
}

void asPod(std::string_view text) {
  auto document = parseObject(text, "record");
  if (!document) return;
  auto pod = podFromJson(*document);
  if (!pod) return;
  auto again = podFromJson(toJson(*pod));
  check(again && toJson(*again) == toJson(*pod), "a record reads the same again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  asList(text);
  asResult(text);
  asFailure(text);
  asPod(text);
  return 0;
}
