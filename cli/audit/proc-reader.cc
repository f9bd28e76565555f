#include "cli/audit/proc-reader.h"

#include <dirent.h>
#include <limits.h>
#include <selinux/selinux.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>

#include "daemons/common/base/io.h"
#include "daemons/common/base/process.h"

namespace bulkhead::audit {
namespace {

// Socket tables have no bound of the kernel's; this is enough for 100,000 sockets.
constexpr size_t maxTable = 16 << 20;

template <typename T>
bool parseNumber(std::string_view text, T& value, int base = 10) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  for (size_t at = text.find_first_not_of(separators); at != text.npos;) {
    size_t end = std::min(text.find_first_of(separators, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(separators, end);
  }
  return words;
}

template <typename T>
bool parseNumbers(std::string_view text, std::vector<T>& numbers) {
  for (std::string_view word : split(text, " \t")) {
    if (!parseNumber(word, numbers.emplace_back())) return false;
  }
  return true;
}

template <typename T>
bool parseFour(std::string_view text, std::array<T, 4>& four) {
  std::vector<T> numbers;
  if (!parseNumbers(text, numbers) || numbers.size() != four.size()) return false;
  std::copy(numbers.begin(), numbers.end(), four.begin());
  return true;
}

// "Key:\tvalue" lines; the first of each key counts, so that a crafted name cannot add one: the kernel
// escapes newlines in Name.
std::map<std::string_view, std::string_view> keyedLines(std::string_view text) {
  std::map<std::string_view, std::string_view> lines;
  for (std::string_view line : split(text, "\n")) {
    size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of('\t'), value.size()));
    lines.emplace(line.substr(0, colon), value);
  }
  return lines;
}

std::string readText(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  text.reserve(4096);
  for (std::istreambuf_iterator<char> c(file), end; c != end && text.size() < maxTable; ++c) text += *c;
  return text;
}

std::string readLink(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
  target.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return target;
}

struct CloseDirectory {
  void operator()(DIR* dir) const { (void)::closedir(dir); }
};

std::vector<std::string> entriesOf(const std::string& path) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, CloseDirectory> dir(::opendir(path.c_str()));
  while (dir) {
    const struct dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    names.emplace_back(entry->d_name);
  }
  return names;
}

void classifySocket(std::uint64_t inode, const SocketTables& tables, ProcessFacts& facts) {
  auto found = tables.unixSockets.find(inode);
  if (found != tables.unixSockets.end()) {
    if (found->second.listening) facts.listening.push_back(found->second.path);
  } else if (tables.inet.contains(inode)) {
    ++facts.inetSockets;
    auto port = tables.tcpPorts.find(inode);
    facts.inetPorts.insert(port == tables.tcpPorts.end() ? "?" : port->second);
  } else if (!tables.netlink.contains(inode)) {
    ++facts.unknownSockets;
  }
}

void readSockets(const std::string& proc, const SocketTables& tables, ProcessFacts& facts) {
  for (const std::string& name : entriesOf(proc + "/fd")) {
    if (auto inode = parseBracketedInode(readLink(proc + "/fd/" + name), "socket")) {
      classifySocket(*inode, tables, facts);
    }
  }
  std::sort(facts.listening.begin(), facts.listening.end());
}

}  // namespace

std::optional<Status> parseStatus(std::string_view text) {
  auto lines = keyedLines(text);
  Status status;
  status.name = std::string(lines["Name"]);
  std::string_view state = lines["State"];
  if (status.name.empty() || state.empty()) return std::nullopt;
  status.state = state[0];
  int noNewPrivileges = 0;
  bool good =
      parseFour(lines["Uid"], status.uids) && parseFour(lines["Gid"], status.gids) &&
      parseNumbers(lines["Groups"], status.groups) && parseNumber(lines["CapInh"], status.inheritable, 16) &&
      parseNumber(lines["CapPrm"], status.permitted, 16) &&
      parseNumber(lines["CapEff"], status.effective, 16) &&
      parseNumber(lines["CapBnd"], status.bounding, 16) && parseNumber(lines["CapAmb"], status.ambient, 16) &&
      parseNumber(lines["NoNewPrivs"], noNewPrivileges) && parseNumber(lines["Seccomp"], status.seccomp);
  if (!good) return std::nullopt;
  status.noNewPrivileges = noNewPrivileges != 0;
  return status;
}

std::vector<std::string> parseCommandLine(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    size_t end = std::min(text.find('\0'), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::set<std::uint64_t> parseSocketTable(std::string_view text, size_t inodeColumn) {
  std::set<std::uint64_t> inodes;
  for (std::string_view line : split(text, "\n")) {
    auto columns = split(line, " \t");
    std::uint64_t inode = 0;
    if (columns.size() > inodeColumn && parseNumber(columns[inodeColumn], inode) && inode != 0)
      inodes.insert(inode);
  }
  return inodes;
}

std::map<std::uint64_t, std::string> parseTcpPorts(std::string_view text) {
  std::map<std::uint64_t, std::string> ports;
  for (std::string_view line : split(text, "\n")) {
    auto columns = split(line, " \t");
    std::uint64_t inode = 0;
    if (columns.size() < 10 || !parseNumber(columns[9], inode) || inode == 0) continue;
    ports.emplace(inode, columns[1].substr(columns[1].find(':') + 1));
  }
  return ports;
}

std::map<std::uint64_t, UnixSocket> parseUnixTable(std::string_view text) {
  // Num RefCount Protocol Flags Type St Inode Path; the path may hold blanks and is the rest of the line.
  constexpr unsigned acceptsConnections = 0x10000;  // __SO_ACCEPTCON
  std::map<std::uint64_t, UnixSocket> sockets;
  for (std::string_view line : split(text, "\n")) {
    auto columns = split(line, " ");
    unsigned flags = 0;
    std::uint64_t inode = 0;
    if (columns.size() < 7 || !parseNumber(columns[3], flags, 16) || !parseNumber(columns[6], inode))
      continue;
    std::string path;
    if (columns.size() > 7) path = std::string(columns[7].data(), line.data() + line.size());
    sockets[inode] = {(flags & acceptsConnections) != 0, path};
  }
  return sockets;
}

std::optional<std::uint64_t> parseBracketedInode(std::string_view link, std::string_view kind) {
  std::string prefix = std::string(kind) + ":[";
  std::uint64_t inode = 0;
  if (!link.starts_with(prefix) || !link.ends_with(']')) return std::nullopt;
  if (!parseNumber(link.substr(prefix.size(), link.size() - prefix.size() - 1), inode)) return std::nullopt;
  return inode;
}

void addSocketTables(pid_t pid, SocketTables& tables) {
  std::string net = "/proc/" + std::to_string(pid) + "/net/";
  for (const char* name :
       {"tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6"}) {
    tables.inet.merge(parseSocketTable(readText(net + name), 9));
  }
  for (const char* name : {"tcp", "tcp6"}) tables.tcpPorts.merge(parseTcpPorts(readText(net + name)));
  tables.inet.merge(parseSocketTable(readText(net + "packet"), 8));
  tables.netlink.merge(parseSocketTable(readText(net + "netlink"), 9));
  tables.unixSockets.merge(parseUnixTable(readText(net + "unix")));
}

std::string contextOf(pid_t pid) {
  char* raw = nullptr;
  if (::is_selinux_enabled() != 1 || ::getpidcon(pid, &raw) != 0) return "-";
  std::unique_ptr<char, decltype(&::freecon)> context(raw, &::freecon);
  return context.get();
}

Executable executableOf(pid_t pid) {
  constexpr std::string_view mark = " (deleted)";
  std::string path = readLink("/proc/" + std::to_string(pid) + "/exe");
  bool deleted = path.ends_with(mark);
  if (deleted) path.resize(path.size() - mark.size());
  return {path, deleted};
}

std::vector<std::string> commandLineOf(pid_t pid) {
  return parseCommandLine(readSmallFile("/proc/" + std::to_string(pid) + "/cmdline"));
}

std::optional<ProcessFacts> readProcess(pid_t pid, const SocketTables& tables) {
  std::string proc = "/proc/" + std::to_string(pid);
  ProcessFacts facts;
  facts.pid = pid;
  facts.startTime = processStartTime(pid);
  facts.executable = executableOf(pid);
  auto status = parseStatus(readSmallFile(proc + "/status"));
  if (facts.executable.path.empty() || !status || status->state == 'Z') return std::nullopt;
  facts.status = *status;
  struct stat executable {};
  if (::stat((proc + "/exe").c_str(), &executable) == 0) {
    facts.device = executable.st_dev;
    facts.inode = executable.st_ino;
  }
  facts.commandLine = commandLineOf(pid);
  facts.netns = parseBracketedInode(readLink(proc + "/ns/net"), "net").value_or(0);
  facts.mountns = parseBracketedInode(readLink(proc + "/ns/mnt"), "mnt").value_or(0);
  std::string mounts = readText(proc + "/mountinfo");
  facts.mountLines = static_cast<size_t>(std::count(mounts.begin(), mounts.end(), '\n'));
  readSockets(proc, tables, facts);
  facts.selinux = contextOf(pid);
  // Gone, or another process under its number: what was read may be of two.
  if (facts.startTime == 0 || processStartTime(pid) != facts.startTime) return std::nullopt;
  return facts;
}

std::vector<pid_t> listProcesses() {
  std::vector<pid_t> pids;
  for (const std::string& name : entriesOf("/proc")) {
    pid_t pid = 0;
    if (parseNumber(std::string_view(name), pid)) pids.push_back(pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

}  // namespace bulkhead::audit
