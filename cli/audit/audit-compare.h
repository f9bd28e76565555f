// What the kernel says against what the privilege table says, process by process and column by column. Pure:
// facts in, report out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/audit/proc-reader.h"
#include "cli/instance.h"
#include "daemons/common/jail/privileges.h"

namespace bulkhead::audit {

// What this host can give at all, read from the caller: a wall that stands around everything here (a
// container's filter, a shrunk bounding set) is not a difference of ours.
struct Host {
  jail::CapabilitySet bounding = 0;
  std::uint64_t netns = 0;
  std::uint64_t mountns = 0;
  bool noNewPrivileges = false;
  int seccomp = 0;
};

// One column of one process.
struct Cell {
  std::string column;
  std::string stated;  // "-": nothing is stated, it is only shown
  std::string seen;
  bool agrees = true;
};

struct Row {
  std::string process;  // the table's name, or the comm of an unknown one
  pid_t pid = 0;
  std::vector<Cell> cells;
  std::string problem;  // of the process as a whole: unknown, wrong executable

  [[nodiscard]] bool agrees() const;
  // "ok", or "DIFFERS: " and what.
  [[nodiscard]] std::string verdict() const;
};

struct Report {
  std::vector<Row> rows;                // in the order of the table, unknown ones last
  std::vector<std::string> missing;     // processes that must run and do not
  std::vector<std::string> notRunning;  // processes per job, of which none runs now
  std::vector<std::string> notes;       // what was subtracted from the statement, and why

  [[nodiscard]] bool agrees() const;
};

// What a report is made from. `current`: device and inode of each program in the library directory, by name.
struct Subject {
  cli::Accounts accounts;
  Layout layout;
  Host host;
  struct File {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
  };
  std::map<std::string, File> current;
  // The CNI runner's, from the configuration, instead of its row's.
  std::optional<jail::CapabilitySet> pluginCapabilities;
};

// The row of `table` that `facts` claim to be by comm; null if none.
const jail::Privileges* claimedRow(std::span<const jail::Privileges> table, const ProcessFacts& facts);

// Compares one process with its row. Whether the row's doors are held at all is `compare`'s to say: a process
// may have forked another under its own name, which keeps none of them.
Row compareProcess(const jail::Privileges& stated, const ProcessFacts& facts, const Subject& subject);

Report compare(std::span<const jail::Privileges> table, const std::vector<ProcessFacts>& processes,
               const Subject& subject);

// Whether a process runs as long as its daemon does, rather than per job.
bool isLongLived(jail::Process process);

// The listening sockets that a process holds: its doors.
std::vector<std::string> doorsOf(jail::Process process, const Layout& layout);

// "1ff" for the set, in hexadecimal as /proc/PID/status has it but without leading zeros.
std::string capabilityText(jail::CapabilitySet set);

}  // namespace bulkhead::audit
