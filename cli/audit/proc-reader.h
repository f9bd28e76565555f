// What the kernel says of one live process: /proc/PID read into a value. The parsers are pure, so that they
// are tested with sample texts; the formats are those of proc(5).
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/jail/privileges.h"

namespace bulkhead::audit {

// /proc/PID/status.
struct Status {
  std::string name;             // comm, at most 15 bytes, unescaped
  char state = '?';             // 'Z': a zombie, which holds nothing any more
  std::array<uid_t, 4> uids{};  // real, effective, saved, file system
  std::array<gid_t, 4> gids{};
  std::vector<gid_t> groups;  // supplementary
  jail::CapabilitySet inheritable = 0;
  jail::CapabilitySet permitted = 0;
  jail::CapabilitySet effective = 0;
  jail::CapabilitySet bounding = 0;
  jail::CapabilitySet ambient = 0;
  bool noNewPrivileges = false;
  int seccomp = 0;  // 0 none, 1 strict, 2 filter
};
// Nothing if a field of the above is absent or malformed: an audit must not guess.
std::optional<Status> parseStatus(std::string_view text);

// Zero-terminated words, as in /proc/PID/cmdline.
std::vector<std::string> parseCommandLine(std::string_view text);

// Inodes of the sockets that one table of /proc/PID/net lists. `header` lines: those with a non-numeric inode
// column are skipped. `inodeColumn` counts from 0: 9 for tcp, udp, raw, icmp and their v6 tables.
std::set<std::uint64_t> parseSocketTable(std::string_view text, size_t inodeColumn);
// Local ports, as its hexadecimal digits, by inode: of /proc/PID/net/tcp and tcp6.
std::map<std::uint64_t, std::string> parseTcpPorts(std::string_view text);

// /proc/PID/net/unix.
struct UnixSocket {
  bool listening = false;
  std::string path;  // empty: unnamed
};
std::map<std::uint64_t, UnixSocket> parseUnixTable(std::string_view text);

// 4026531840 of "net:[4026531840]" or "socket:[…]"; nothing if `link` is not `kind`:[number].
std::optional<std::uint64_t> parseBracketedInode(std::string_view link, std::string_view kind);

// The executable as readlink shows it and whether it was deleted or replaced since; empty if not readable.
struct Executable {
  std::string path;
  bool deleted = false;
};

// Everything the audit compares.
struct ProcessFacts {
  pid_t pid = 0;
  unsigned long long startTime = 0;  // clock ticks since boot
  Executable executable;
  std::uint64_t device = 0;  // of the executable's file, 0 if unknown
  std::uint64_t inode = 0;
  std::vector<std::string> commandLine;
  Status status;
  std::uint64_t netns = 0;
  std::uint64_t mountns = 0;
  size_t mountLines = 0;               // of mountinfo
  size_t inetSockets = 0;              // TCP, UDP, raw, ICMP, SCTP, packet
  std::set<std::string> inetPorts;     // local ports of those that are TCP, "?" for another
  size_t unknownSockets = 0;           // of no table we read: another network namespace's, or another family
  std::vector<std::string> listening;  // paths of its listening unix sockets
  std::string selinux;                 // context, "-" where there is none
};

// The sockets of some network namespaces. Inode numbers are unique among all of them.
struct SocketTables {
  std::set<std::uint64_t> inet;
  std::map<std::uint64_t, std::string> tcpPorts;  // local ones, as hexadecimal digits
  std::set<std::uint64_t> netlink;
  std::map<std::uint64_t, UnixSocket> unixSockets;
};
// Adds those of the namespace that `pid` lives in.
void addSocketTables(pid_t pid, SocketTables& tables);

// Nothing if the process is gone, a zombie or a kernel thread. `tables` must cover the namespaces of all
// processes that hand sockets to this one, for a socket stays in the namespace where it was made.
std::optional<ProcessFacts> readProcess(pid_t pid, const SocketTables& tables);

// SELinux context; "-" where SELinux is off or the process is gone.
std::string contextOf(pid_t pid);

Executable executableOf(pid_t pid);
std::vector<std::string> commandLineOf(pid_t pid);

// The numbers in /proc.
std::vector<pid_t> listProcesses();

}  // namespace bulkhead::audit
