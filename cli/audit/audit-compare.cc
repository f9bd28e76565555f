#include "cli/audit/audit-compare.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace bulkhead::audit {
namespace {

using jail::CapabilitySet;
using jail::Privileges;
using jail::Process;

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text.empty() ? "none" : text;
}

template <typename T>
std::string numbersText(const T& numbers) {
  std::vector<std::string> words;
  for (auto number : numbers) words.push_back(std::to_string(number));
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return join(words);
}

Cell sameText(std::string column, std::string stated, std::string seen) {
  bool agrees = stated == seen;
  return {std::move(column), std::move(stated), std::move(seen), agrees};
}

std::string yesNo(bool value) {
  return value ? "1" : "0";
}

cli::Account accountOf(jail::Identity identity, const cli::Accounts& accounts) {
  switch (identity) {
    case jail::Identity::cri:
      return accounts.cri;
    case jail::Identity::image:
      return accounts.image;
    case jail::Identity::storage:
      return accounts.storage;
    case jail::Identity::net:
      return accounts.net;
    case jail::Identity::reader:
      return accounts.reader;
    case jail::Identity::root:
    case jail::Identity::shim:
      break;
  }
  return {};
}

void addShimUsers(const ProcessFacts& facts, const cli::Accounts& accounts, std::vector<Cell>& cells) {
  const Status& status = facts.status;
  // One uid per pod: any of the range, but the same in all eight places.
  uid_t uid = status.uids[0];
  bool inRange = uid >= accounts.shimBase && uid - accounts.shimBase < accounts.shimCount;
  auto isUid = [uid](unsigned id) { return id == uid; };
  std::string range =
      std::to_string(accounts.shimBase) + "-" + std::to_string(accounts.shimBase + accounts.shimCount - 1);
  cells.push_back(
      {"uid", range, numbersText(status.uids), inRange && std::ranges::all_of(status.uids, isUid)});
  cells.push_back({"gid", "=uid", numbersText(status.gids), std::ranges::all_of(status.gids, isUid)});
}

void addUsers(const Privileges& stated, const ProcessFacts& facts, const Subject& subject,
              std::vector<Cell>& cells) {
  if (stated.identity == jail::Identity::shim) {
    addShimUsers(facts, subject.accounts, cells);
  } else {
    cli::Account account = accountOf(stated.identity, subject.accounts);
    cells.push_back(sameText("uid", std::to_string(account.uid), numbersText(facts.status.uids)));
    cells.push_back(sameText("gid", std::to_string(account.gid), numbersText(facts.status.gids)));
  }
  cells.push_back(sameText("groups", "none", numbersText(facts.status.groups)));
}

void addCapabilities(const Privileges& stated, const Status& status, const Subject& subject,
                     std::vector<Cell>& cells) {
  const Host& host = subject.host;
  auto configured = stated.process == Process::cniRunner ? subject.pluginCapabilities : std::nullopt;
  auto compareSet = [&cells](const char* column, CapabilitySet wanted, CapabilitySet held) {
    cells.push_back(sameText(column, capabilityText(wanted), capabilityText(held)));
  };
  CapabilitySet granted = configured.value_or(stated.capabilities) & host.bounding;
  compareSet("CapEff", granted, status.effective);
  compareSet("CapPrm", granted, status.permitted);
  compareSet("CapInh", 0, status.inheritable);
  compareSet("CapBnd", configured.value_or(stated.bounding) & host.bounding, status.bounding);
  compareSet("CapAmb", 0, status.ambient);
}

bool hasNoInet(jail::Network network) {
  return network == jail::Network::none || network == jail::Network::unixOnly;
}

bool ownsNetworkNamespace(jail::Network network) {
  return hasNoInet(network) || network == jail::Network::accepting || network == jail::Network::pod;
}

void addNamespaces(const Privileges& stated, const ProcessFacts& facts, const Host& host,
                   std::vector<Cell>& cells) {
  auto whose = [](bool own) { return own ? "own" : "host"; };
  cells.push_back(
      sameText("netns", whose(ownsNetworkNamespace(stated.network)), whose(facts.netns != host.netns)));
  cells.push_back(sameText("mountns", whose(stated.ownMountNamespace), whose(facts.mountns != host.mountns)));
  // A shim left in any mount namespace with more than an empty root would keep volumes busy.
  std::string lines = std::to_string(facts.mountLines);
  bool isShim = stated.process == Process::shim;
  cells.push_back(isShim ? sameText("mounts", "1", lines) : Cell{"mounts", "-", lines, true});
}

void addSockets(const Privileges& stated, const ProcessFacts& facts, const Layout& layout,
                std::vector<Cell>& cells) {
  std::string seen = std::to_string(facts.inetSockets);
  if (facts.unknownSockets > 0) seen += "+" + std::to_string(facts.unknownSockets) + "?";
  if (hasNoInet(stated.network)) {
    cells.push_back(sameText("inet", "0", seen));
  } else if (stated.network == jail::Network::accepting) {
    // Whoever accepts has the listener's port; whoever was made elsewhere has not.
    bool onePort = facts.inetPorts.size() == 1 && !facts.inetPorts.contains("?");
    cells.push_back({"inet", "one port", seen, onePort && facts.unknownSockets == 0});
  } else {
    cells.push_back({"inet", "any", seen, true});
  }

  std::vector<std::string> doors = doorsOf(stated.process, layout);
  auto isDoor = [&](const std::string& path) {
    return std::ranges::any_of(doors, [&](const std::string& door) {
      return door.ends_with('/') ? path.starts_with(door) : path == door;
    });
  };
  cells.push_back(
      {"listening", join(doors), join(facts.listening), std::ranges::all_of(facts.listening, isDoor)});
}

std::string programOf(const ProcessFacts& facts) {
  return std::filesystem::path(facts.executable.path).filename().string();
}

Cell programCell(const Privileges& stated, const ProcessFacts& facts, const Subject& subject) {
  std::string seen = programOf(facts);
  Cell cell = sameText("program", std::string(stated.program), seen);
  auto file = subject.current.find(seen);
  // After an upgrade the old program runs on until its daemon is restarted, and shims outlive that.
  if (facts.executable.deleted || file == subject.current.end() || facts.inode == 0) {
    cell.seen += facts.executable.deleted ? " (deleted)" : "";
    return cell;
  }
  if (file->second.device != facts.device || file->second.inode != facts.inode) {
    cell.seen = facts.executable.path;
    cell.agrees = false;
  }
  return cell;
}

Row unknownRow(const ProcessFacts& facts) {
  Row row;
  row.process = facts.status.name;
  row.pid = facts.pid;
  row.problem = "no process of the table has this name (program " + facts.executable.path + ")";
  return row;
}

// A long-lived process holds all its doors; what it forked (a handler, an executioner) at most those.
void demandDoors(const Privileges& stated, const std::set<std::string>& held, const Subject& subject,
                 std::span<Row> rows) {
  auto isHeld = [&held](const std::string& door) { return held.contains(door); };
  if (!isLongLived(stated.process) || std::ranges::all_of(doorsOf(stated.process, subject.layout), isHeld))
    return;
  for (Row& row : rows) std::ranges::find(row.cells, "listening", &Cell::column)->agrees = false;
}

void noteSubtracted(std::span<const Privileges> table, const Host& host, Report& report) {
  CapabilitySet absent = 0;
  for (const Privileges& row : table) absent |= row.bounding & ~host.bounding;
  std::vector<std::string> names;
  for (int number = 0; number < 64; ++number) {
    std::string_view name = jail::capabilityName(number);
    if (((absent >> number) & 1) != 0 && !name.empty()) names.emplace_back(name);
  }
  if (names.empty()) return;
  report.notes.push_back("this host's bounding set lacks " + join(names) + ": not expected in any row");
}

}  // namespace

std::string capabilityText(CapabilitySet set) {
  std::array<char, 16> digits{};
  char* end = std::to_chars(digits.data(), digits.data() + digits.size(), set, 16).ptr;
  return {digits.data(), end};
}

bool isLongLived(Process process) {
  switch (process) {
    case Process::cri:
    case Process::imaged:
    case Process::fetchZygote:
    case Process::storaged:
    case Process::storageZygote:
    case Process::mounter:
    case Process::netd:
    case Process::netnsHelper:
    case Process::cniRunner:
    case Process::launcher:
      return true;
    default:
      return false;
  }
}

std::vector<std::string> doorsOf(Process process, const Layout& layout) {
  switch (process) {
    case Process::cri:
      return {layout.criSocket()};
    case Process::imaged:
      return {layout.imagedSocket()};
    case Process::storaged:
      return {layout.storagedSocket()};
    case Process::mounter:
      return {layout.mounterSocket()};
    case Process::netd:
      return {layout.netdSocket()};
    case Process::launcher:
      return {layout.launcherSocket()};
    case Process::shim:
    case Process::pause:
      return {layout.shimDirectory() + "/"};  // one, named after its container or pod
    default:
      return {};
  }
}

bool Row::agrees() const {
  return problem.empty() && std::ranges::all_of(cells, &Cell::agrees);
}

std::string Row::verdict() const {
  if (agrees()) return "ok";
  std::string text = problem;
  for (const Cell& cell : cells) {
    if (cell.agrees) continue;
    text += (text.empty() ? "" : "; ") + cell.column + " stated " + cell.stated + ", seen " + cell.seen;
  }
  return "DIFFERS: " + text;
}

bool Report::agrees() const {
  return missing.empty() && std::ranges::all_of(rows, &Row::agrees);
}

const Privileges* claimedRow(std::span<const Privileges> table, const ProcessFacts& facts) {
  auto row = std::ranges::find(table, facts.status.name, &Privileges::name);
  return row == table.end() ? nullptr : &*row;
}

Row compareProcess(const Privileges& stated, const ProcessFacts& facts, const Subject& subject) {
  Row row;
  row.process = stated.name;
  row.pid = facts.pid;
  row.cells.push_back(programCell(stated, facts, subject));
  addUsers(stated, facts, subject, row.cells);
  addCapabilities(stated, facts.status, subject, row.cells);
  bool noNewPrivileges = stated.noNewPrivileges || subject.host.noNewPrivileges;
  row.cells.push_back(sameText("NNP", yesNo(noNewPrivileges), yesNo(facts.status.noNewPrivileges)));
  int seccomp = stated.filtered ? 2 : subject.host.seccomp;
  row.cells.push_back(sameText("Seccomp", std::to_string(seccomp), std::to_string(facts.status.seccomp)));
  addNamespaces(stated, facts, subject.host, row.cells);
  addSockets(stated, facts, subject.layout, row.cells);
  row.cells.push_back({"selinux", "-", facts.selinux, true});
  return row;
}

Report compare(std::span<const Privileges> table, const std::vector<ProcessFacts>& processes,
               const Subject& subject) {
  Report report;
  for (const Privileges& stated : table) {
    size_t before = report.rows.size();
    std::set<std::string> held;
    for (const ProcessFacts& facts : processes) {
      if (claimedRow(table, facts) != &stated) continue;
      report.rows.push_back(compareProcess(stated, facts, subject));
      held.insert(facts.listening.begin(), facts.listening.end());
    }
    demandDoors(stated, held, subject, std::span(report.rows).subspan(before));
    if (report.rows.size() > before) continue;
    (isLongLived(stated.process) ? report.missing : report.notRunning).emplace_back(stated.name);
  }
  for (const ProcessFacts& facts : processes) {
    if (claimedRow(table, facts) == nullptr) report.rows.push_back(unknownRow(facts));
  }
  noteSubtracted(table, subject.host, report);
  return report;
}

}  // namespace bulkhead::audit
