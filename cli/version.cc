// bulkheadctl version, and status.
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/table.h"

namespace bulkhead::cli {
namespace {

struct Options {
  Target target;
  bool json = false;
};

int version(const Options& options) {
  Client client(options.target);
  auto answer = client.call(client.runtime(), &RuntimeService::Stub::Version, runtime::v1::VersionRequest());
  if (options.json) {
    printJson(toJson(answer));
    return 0;
  }
  std::cout << answer.runtime_name() << " " << answer.runtime_version() << " (CRI "
            << answer.runtime_api_version() << ")\n";
  return 0;
}

int status(const Options& options) {
  Client client(options.target);
  auto answer = client.call(client.runtime(), &RuntimeService::Stub::Status, runtime::v1::StatusRequest());
  bool good = true;
  Table table({"CONDITION", "STATUS", "REASON", "MESSAGE"});
  for (const auto& condition : answer.status().conditions()) {
    good = good && condition.status();
    table.add(
        {condition.type(), condition.status() ? "true" : "false", condition.reason(), condition.message()});
  }
  if (options.json) {
    printJson(toJson(answer));
  } else {
    std::cout << table.text();
  }
  return good ? 0 : 1;
}

}  // namespace

void addVersion(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("version", "ask the daemon for its version");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->callback([&chosen, options] { chosen = [options] { return version(*options); }; });
}

void addStatus(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("status", "show whether runtime and network are ready; exits 1 if not");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->callback([&chosen, options] { chosen = [options] { return status(*options); }; });
}

}  // namespace bulkhead::cli
