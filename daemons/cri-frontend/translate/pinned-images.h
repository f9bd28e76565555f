// Which images the kubelet's garbage collection is to spare: `pinned_images` of bulkhead.toml, with the three
// kinds of pattern that CRI-O has (crio.conf(5), pinned_images). Pinned is a word for the kubelet: who asks
// for a pinned image's removal by name gets it, as in the peers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::cri {

class PinnedImages {
 public:
  PinnedImages() = default;
  // "name": that name as it is listed, with tag or digest. "x*": begins with x. "*x*": contains x. Whatever
  // their case.
  explicit PinnedImages(const std::vector<std::string>& patterns);

  [[nodiscard]] bool match(std::string_view name) const;
  [[nodiscard]] bool matchAny(const std::vector<std::string>& names) const;

 private:
  struct Pattern {
    enum class Kind { exact, begins, contains } kind;
    std::string text;  // lower case
  };
  std::vector<Pattern> patterns_;
};

}  // namespace bulkhead::cri
