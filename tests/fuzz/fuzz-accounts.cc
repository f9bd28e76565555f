// A USER, an /etc/passwd and an /etc/group, with a NUL between them.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "daemons/storaged/worker/accounts.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;
using fuzz::check;

namespace {

std::string_view cut(std::string_view& text) {
  std::size_t end = std::min(text.find('\0'), text.size());
  std::string_view head = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return head;
}

bool isName(const AccountName& name, bool& digits) {
  const auto* text = std::get_if<std::string>(&name);
  digits = text != nullptr && text->find_first_not_of("0123456789") == std::string::npos;
  return text != nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto spec = UserSpec::parse(cut(text), "user");
  if (!spec) return 0;
  std::string_view passwd = cut(text);
  bool digits = false;
  bool named = isName(spec->user, digits);
  check(!digits, "digits are never a name");
  if (auto account = worker::findAccount(passwd, spec->user); account && *account) {
    check((*account)->uid != UINT32_MAX && (*account)->gid != UINT32_MAX, "no id means no change");
    check(named ? (*account)->name == std::get<std::string>(spec->user)
                : (*account)->uid == std::get<std::uint32_t>(spec->user),
          "the account is the one that was asked for");
    check((*account)->name.find_first_of(":\n") == std::string::npos, "a name is one field");
    if (auto groups = worker::groupsOf(text, (*account)->name)) {
      check(groups->size() <= 1024, "groups are counted");
      for (std::uint32_t gid : *groups) check(gid != UINT32_MAX, "no id means no change");
    }
  }
  if (spec->group && isName(*spec->group, digits)) {
    auto gid = worker::findGroup(text, std::get<std::string>(*spec->group));
    check(!digits && (!gid || !*gid || **gid != UINT32_MAX), "no id means no change");
  }
  return 0;
}
