// bulkheadctl audit: what the kernel says of every process of this instance, beside what the privilege table
// says.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/audit/inventory.h"
#include "cli/commands.h"
#include "cli/error.h"
#include "cli/instance.h"
#include "cli/json.h"
#include "cli/table.h"

namespace bulkhead::cli {
namespace {

struct Options {
  std::string root;
  std::string config;
  std::string ceiling;
  std::string library;
  bool json = false;
};

// Two lines for each process: what the kernel says, and what is stated.
void addRows(const audit::Row& row, Table& table) {
  std::vector<std::string> seen{row.process, std::to_string(row.pid), "seen"};
  std::vector<std::string> stated{"", "", "stated"};
  for (const audit::Cell& cell : row.cells) {
    seen.push_back((cell.agrees ? "" : "!") + cell.seen);
    stated.push_back(cell.stated);
  }
  table.add(seen);
  if (!row.cells.empty()) table.add(stated);
}

std::string tableText(const audit::Report& report) {
  std::vector<std::string> header{"PROCESS", "PID", ""};
  for (const audit::Row& row : report.rows) {
    if (row.cells.empty()) continue;
    for (const audit::Cell& cell : row.cells) header.push_back(cell.column);
    break;
  }
  Table table(header);
  for (const audit::Row& row : report.rows) addRows(row, table);
  return table.text();
}

std::string verdictText(const audit::Report& report) {
  Table table({"PROCESS", "PID", "VERDICT"});
  for (const audit::Row& row : report.rows) table.add({row.process, std::to_string(row.pid), row.verdict()});
  for (const std::string& name : report.missing) table.add({name, "-", "DIFFERS: must run and does not"});
  for (const std::string& name : report.notRunning) table.add({name, "-", "not running now (per job)"});
  return table.text();
}

nlohmann::json jsonOf(const audit::Report& report) {
  nlohmann::json rows = nlohmann::json::array();
  for (const audit::Row& row : report.rows) {
    nlohmann::json columns = nlohmann::json::object();
    for (const audit::Cell& cell : row.cells) {
      columns[cell.column] = {{"stated", cell.stated}, {"seen", cell.seen}, {"ok", cell.agrees}};
    }
    rows.push_back({{"process", row.process},
                    {"pid", row.pid},
                    {"ok", row.agrees()},
                    {"verdict", row.verdict()},
                    {"columns", columns}});
  }
  return {{"ok", report.agrees()},
          {"processes", rows},
          {"missing", report.missing},
          {"not_running", report.notRunning},
          {"notes", report.notes}};
}

void print(const audit::Report& report, bool json) {
  if (json) return printJson(jsonOf(report));
  std::cout << tableText(report) << "\n" << verdictText(report) << "\n";
  for (const std::string& note : report.notes) std::cout << "note: " << note << "\n";
  size_t differing = report.missing.size();
  for (const audit::Row& row : report.rows) differing += row.agrees() ? 0 : 1;
  std::cout << "audit: " << report.rows.size() << " processes, "
            << (report.agrees() ? "all as stated" : std::to_string(differing) + " DIFFER") << "\n";
}

int auditCommand(const Options& options) {
  if (::geteuid() != 0)
    throw CommandError("audit must be run as root: it reads /proc of other users' processes");
  Instance instance = orFail(Instance::at(options.root, options.library));
  StartFiles started = savedStartFiles(instance);
  std::string config = options.config.empty() ? started.config : options.config;
  std::string ceiling = options.ceiling.empty() ? started.ceiling : options.ceiling;
  if (options.library.empty() && !started.library.empty()) instance.library = started.library;
  Settings settings = loadSettings(instance, config, ceiling);

  audit::Report report = audit::auditInstance(instance, settings);
  if (settings.ceilingProfile == "permissive") {
    report.notes.emplace_back("the ceiling is 'permissive': whoever owns bulkhead-cri is root on this node");
  }
  print(report, options.json);
  return report.agrees() ? 0 : 1;
}

}  // namespace

void addAudit(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "audit", "compare every process with its stated privileges; exits 1 on any difference (root)");
  command->add_option("--root", options->root, "root directory of the instance (default: the packaged one)");
  command->add_option("--config", options->config, "configuration (default: what 'up' was given)");
  command->add_option("--ceiling", options->ceiling, "ceiling (default: what 'up' was given)");
  command->add_option("--library", options->library, "where the daemons are (default: what 'up' was given)");
  addOutputOption(*command, options->json);
  command->callback([&chosen, options] { chosen = [options] { return auditCommand(*options); }; });
}

}  // namespace bulkhead::cli
