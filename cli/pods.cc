// bulkheadctl pods
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

// Empty for host network, stopped pods, and pods removed since they were listed.
std::string addressOf(Client& client, const std::string& id) {
  runtime::v1::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(id);
  try {
    auto answer = client.call(client.runtime(), &RuntimeService::Stub::PodSandboxStatus, request);
    return answer.status().network().ip();
  } catch (const CommandError&) {
    return {};
  }
}

std::string stateText(runtime::v1::PodSandboxState state) {
  return state == runtime::v1::SANDBOX_READY ? "ready" : "not ready";
}

void printPodsAsJson(Client& client, const std::vector<runtime::v1::PodSandbox>& pods) {
  nlohmann::json items = nlohmann::json::array();
  for (const auto& pod : pods) {
    nlohmann::json item = toJson(pod);
    item["ip"] = addressOf(client, pod.id());
    items.push_back(std::move(item));
  }
  printJson({{"items", items}});
}

int pods(const Options& options) {
  Client client(options.target);
  auto all = client.listPods();
  if (options.json) {
    printPodsAsJson(client, all);
    return 0;
  }
  Table table({"POD", "NAMESPACE", "NAME", "STATE", "IP", "AGE", "RUNTIME"});
  for (const auto& pod : all) {
    table.add({shortId(pod.id()), pod.metadata().namespace_(), pod.metadata().name(), stateText(pod.state()),
               addressOf(client, pod.id()), ageText(pod.created_at(), nowNanoseconds()),
               pod.runtime_handler()});
  }
  std::cout << table.text();
  return 0;
}

}  // namespace

void addPods(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("pods", "list pods with their addresses");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->callback([&chosen, options] { chosen = [options] { return pods(*options); }; });
}

}  // namespace bulkhead::cli
