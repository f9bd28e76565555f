// bulkheadctl: the administrator's tool. Exit codes: 0 done, 1 refused or failed, 2 usage; exec passes on its
// own.
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/commands.h"
#include "daemons/common/base/log.h"

namespace bulkhead::cli {
namespace {

constexpr int failure = 1;
constexpr int usage = 2;

void addCommands(CLI::App& app, Chosen& chosen) {
  app.require_subcommand(1);
  for (auto add : {addUp, addAudit, addDoctor, addPull, addPulls, addImages, addRmi, addRun, addPods, addPs,
                   addInspect, addLogs, addExec, addStop, addRm, addVersion, addStatus}) {
    add(app, chosen);
  }
}

int run(int argc, char** argv) {
  CLI::App app{
      "bulkheadctl: runs and inspects Bulkhead, a Kubernetes container runtime in separate compartments"};
  Chosen chosen;
  addCommands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage;
  }
  try {
    return chosen();
  } catch (const std::exception& error) {
    std::cout << std::flush;
    std::cerr << "bulkheadctl: " << log::printable(error.what(), 4096) << "\n";
    return failure;
  }
}

}  // namespace

void addOutputOption(CLI::App& command, bool& json) {
  auto choose = [&json](const std::string& format) { json = format == "json"; };
  command.add_option_function<std::string>("-o,--output", choose, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
}

void addTargetOptions(CLI::App& command, Target& target) {
  auto* root =
      command.add_option("--root", target.root, "root directory of the instance (default: the packaged one)");
  command.add_option("--socket", target.socket, "path of the CRI socket, instead of the instance's")
      ->excludes(root);
}

}  // namespace bulkhead::cli

int main(int argc, char** argv) {
  try {
    return bulkhead::cli::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bulkheadctl: " << error.what() << "\n";
    return 1;
  }
}
