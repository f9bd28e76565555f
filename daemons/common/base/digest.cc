#include "daemons/common/base/digest.h"

#include "daemons/common/base/ids.h"

namespace bulkhead {

Outcome<Digest> Digest::parse(std::string_view text, std::string field) {
  constexpr std::string_view prefix = "sha256:";
  if (!text.starts_with(prefix)) return invalid(std::move(field), "is not a sha256 digest");
  auto hex = ImageId::parse(text.substr(prefix.size()), field);
  if (!hex) return invalid(std::move(field), "is not sha256 and 64 lower-case hexadecimal digits");
  return Digest(hex->text());
}

Digest Digest::fromHex(std::string hex) {
  auto checked = parse("sha256:" + hex, "digest");
  if (!checked) throw std::logic_error("Digest::fromHex: not 64 hexadecimal digits");
  return *checked;
}

}  // namespace bulkhead
