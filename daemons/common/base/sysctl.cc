#include "daemons/common/base/sysctl.h"

#include <algorithm>
#include <array>

namespace bulkhead {
namespace {

// Kubernetes documentation, "Using sysctls in a Kubernetes Cluster".
constexpr std::array<std::string_view, 12> safe{
    "kernel.shm_rmid_forced",           "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",        "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",     "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",      "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",          "net.ipv4.tcp_wmem"};
// ipc_namespaces(7).
constexpr std::array<std::string_view, 8> ofIpc{"kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni",
                                                "kernel.sem",    "kernel.shmall",         "kernel.shmmax",
                                                "kernel.shmmni", "kernel.shm_rmid_forced"};

bool isWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

Outcome<SysctlName> SysctlName::parse(std::string_view text, std::string field) {
  constexpr size_t longest = 255;
  constexpr std::ptrdiff_t mostSeparators = 7;
  const char separator = text.find('/') == std::string_view::npos ? '.' : '/';
  std::string name(text);
  std::replace(name.begin(), name.end(), separator, '.');
  auto odd = [separator](char c) { return c != separator && !isWordCharacter(c); };
  bool plain = std::none_of(text.begin(), text.end(), odd);
  bool empty = name.starts_with('.') || name.ends_with('.') || name.find("..") != std::string::npos;
  auto separators = std::count(name.begin(), name.end(), '.');
  bool depth = separators >= 1 && separators <= mostSeparators;
  if (text.size() > longest || !plain || empty || !depth)
    return invalid(std::move(field), "is not the name of a kernel parameter");
  return SysctlName(std::move(name));
}

SysctlScope SysctlName::scope() const {
  if (text_.starts_with("net.")) return SysctlScope::network;
  if (text_.starts_with("fs.mqueue.") || std::find(ofIpc.begin(), ofIpc.end(), text_) != ofIpc.end())
    return SysctlScope::ipc;
  return text_ == "kernel.domainname" ? SysctlScope::uts : SysctlScope::none;
}

bool SysctlName::isSafe() const {
  return std::find(safe.begin(), safe.end(), text_) != safe.end();
}

Outcome<void> checkSysctlValue(std::string_view text, std::string field) {
  constexpr size_t longest = 4096;
  constexpr std::string_view others = ".,: \t";
  auto good = [others](char c) { return isWordCharacter(c) || others.find(c) != std::string_view::npos; };
  bool plain = std::all_of(text.begin(), text.end(), good);
  if (text.empty() || text.size() > longest || !plain)
    return invalid(std::move(field), "is not a kernel parameter's value");
  return {};
}

}  // namespace bulkhead
