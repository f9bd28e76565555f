// bulkheadctl exec CONTAINER -- ARGS: runs a program in a container and waits for it (ExecSync).
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "daemons/common/base/io.h"

namespace bulkhead::cli {
namespace {

struct Options {
  Target target;
  std::string container;
  std::vector<std::string> arguments;
  std::int64_t timeout = 0;  // seconds; 0: none
  bool json = false;
};

int exec(const Options& options) {
  Client client(options.target);
  runtime::v1::ExecSyncRequest request;
  request.set_container_id(client.findContainer(options.container).id);
  for (const std::string& argument : options.arguments) request.add_cmd(argument);
  request.set_timeout(options.timeout);
  auto answer = client.call(client.runtime(), &RuntimeService::Stub::ExecSync, request, unlimited);
  if (options.json) {
    printJson(toJson(answer));
    return answer.exit_code();
  }
  bool written = writeAll(STDOUT_FILENO, answer.stdout());
  written = writeAll(STDERR_FILENO, answer.stderr()) && written;
  if (!written) throw CommandError("cannot write the output on");
  return answer.exit_code();
}

}  // namespace

void addExec(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("exec", "run a program in a container; its output and exit code are passed on");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->add_option("--timeout", options->timeout, "seconds until it is killed (default: none)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("CONTAINER", options->container, "id, unique beginning of one, or name")->required();
  command->add_option("ARGS", options->arguments, "after --: program and arguments")->required();
  command->callback([&chosen, options] { chosen = [options] { return exec(*options); }; });
}

}  // namespace bulkhead::cli
