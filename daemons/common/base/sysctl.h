// Kernel parameters of a pod: parsed once at the door (CVE-2022-0811 came of joining and splitting them as
// text).
#pragma once

#include <string>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead {

// The namespace that a kernel parameter belongs to (sysctl(7), namespaces(7)); none: it is the whole node's.
enum class SysctlScope { none, network, ipc, uts };

// The name of one parameter, a file beneath /proc/sys.
class SysctlName {
 public:
  // "net.ipv4.tcp_syncookies" or "net/ipv4/tcp_syncookies": 2 to 8 words of [A-Za-z0-9_-]. The two
  // notations cannot be mixed, so that no word holds a dot: an interface whose name has one is refused.
  static Outcome<SysctlName> parse(std::string_view text, std::string field);

  // With dots.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] SysctlScope scope() const;
  // Namespaced, and harmless to the node and to other pods: Kubernetes' "safe" ones.
  [[nodiscard]] bool isSafe() const;
  auto operator<=>(const SysctlName&) const = default;

 private:
  explicit SysctlName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// A value: 1 to 4096 of [A-Za-z0-9_.,:-], blank and tab.
Outcome<void> checkSysctlValue(std::string_view text, std::string field);

}  // namespace bulkhead
