// EntryName: what a tar header may call a file of a layer, parsed or refused once; and the whiteout names
// that OCI layers use for "the layer below has this, I have not" (OCI image-spec, layer.md, "Whiteouts").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead::worker {

class EntryName {
 public:
  // Leading "/" and "./" are dropped and "." components and doubled slashes vanish, as the peers do. Refused
  // (invalidArgument, naming the entry in printable form): no name, a ".." component, a NUL, a component over
  // 255 bytes, a path over 4,095, more than 256 components.
  static Outcome<EntryName> parse(std::string_view raw);

  // The layer's own root directory: "./" or "/".
  [[nodiscard]] bool isRoot() const { return components_.empty(); }
  // Without the last component; "." for a file directly in the root. Not for the root itself.
  [[nodiscard]] std::string parent() const;
  [[nodiscard]] const std::vector<std::string>& components() const { return components_; }
  // The last component. Not for the root itself.
  [[nodiscard]] const std::string& last() const { return components_.back(); }

 private:
  std::vector<std::string> components_;
};

// What a last component means.
enum class NameKind {
  file,
  whiteout,  // ".wh.NAME"
  opaque,    // ".wh..wh..opq": nothing of the directory below shows through
  ignored,   // other ".wh..wh." names: AUFS's own bookkeeping
};
NameKind kindOf(std::string_view last);

// NAME of ".wh.NAME"; empty if it would mean the directory itself or its parent.
std::string whiteoutTarget(std::string_view last);

// A refusal's field for an entry, safe to show.
std::string fieldOf(std::string_view rawName);

}  // namespace bulkhead::worker
