// bulkheadctl inspect POD|CONTAINER: its whole status, as JSON.
#include <CLI/CLI.hpp>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"

namespace bulkhead::cli {
namespace {

struct Options {
  Target target;
  std::string name;
};

int inspect(const Options& options) {
  Client client(options.target);
  Named named = client.findEither(options.name);
  if (named.kind == Kind::pod) {
    runtime::v1::PodSandboxStatusRequest request;
    request.set_pod_sandbox_id(named.id);
    request.set_verbose(true);
    printJson(toJson(client.call(client.runtime(), &RuntimeService::Stub::PodSandboxStatus, request)));
  } else {
    runtime::v1::ContainerStatusRequest request;
    request.set_container_id(named.id);
    request.set_verbose(true);
    printJson(toJson(client.call(client.runtime(), &RuntimeService::Stub::ContainerStatus, request)));
  }
  return 0;
}

}  // namespace

void addInspect(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("inspect", "show everything about a pod or container, as JSON");
  addTargetOptions(*command, options->target);
  command->add_option("NAME", options->name, "id, unique beginning of one, or name")->required();
  command->callback([&chosen, options] { chosen = [options] { return inspect(*options); }; });
}

}  // namespace bulkhead::cli
