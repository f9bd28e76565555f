// bulkheadctl ps
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
  bool all = false;
  bool json = false;
};

// "exited (3)": only the container's own status knows the code.
std::string exitText(Client& client, const std::string& id) {
  runtime::v1::ContainerStatusRequest request;
  request.set_container_id(id);
  try {
    auto status = client.call(client.runtime(), &RuntimeService::Stub::ContainerStatus, request).status();
    return "exited (" + std::to_string(status.exit_code()) + ")";
  } catch (const CommandError&) {
    return "exited";  // removed since it was listed
  }
}

std::string stateText(Client& client, const runtime::v1::Container& container) {
  switch (container.state()) {
    case runtime::v1::CONTAINER_CREATED:
      return "created";
    case runtime::v1::CONTAINER_RUNNING:
      return "running";
    case runtime::v1::CONTAINER_EXITED:
      return exitText(client, container.id());
    default:
      return "unknown";
  }
}

int ps(const Options& options) {
  Client client(options.target);
  runtime::v1::ListContainersResponse shown;
  for (const auto& container : client.listContainers()) {
    if (options.all || container.state() == runtime::v1::CONTAINER_RUNNING)
      *shown.add_containers() = container;
  }
  if (options.json) {
    printJson(toJson(shown));
    return 0;
  }
  Table table({"CONTAINER", "IMAGE", "NAME", "STATE", "AGE", "POD"});
  for (const auto& container : shown.containers()) {
    const auto& spec = container.image();
    const std::string& image =
        spec.user_specified_image().empty() ? spec.image() : spec.user_specified_image();
    table.add({shortId(container.id()), image, container.metadata().name(), stateText(client, container),
               ageText(container.created_at(), nowNanoseconds()), shortId(container.pod_sandbox_id())});
  }
  std::cout << table.text();
  return 0;
}

}  // namespace

void addPs(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("ps", "list containers");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->add_flag("-a,--all", options->all, "also those that do not run");
  command->callback([&chosen, options] { chosen = [options] { return ps(*options); }; });
}

}  // namespace bulkhead::cli
