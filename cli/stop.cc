// bulkheadctl stop POD|CONTAINER, and rm POD|CONTAINER.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"

namespace bulkhead::cli {
namespace {

using std::chrono::seconds;

// What the daemon needs on top of the container's own time to die.
constexpr seconds margin(60);

struct Options {
  Target target;
  std::vector<std::string> names;
  std::int64_t timeout = 10;  // seconds between the stop signal and SIGKILL
  bool force = false;
  bool json = false;
};

void stopContainer(Client& client, const std::string& id, std::int64_t timeout) {
  runtime::v1::StopContainerRequest request;
  request.set_container_id(id);
  request.set_timeout(timeout);
  client.call(client.runtime(), &RuntimeService::Stub::StopContainer, request, seconds(timeout) + margin);
}

// StopPodSandbox gives containers no time of ours, so they are stopped first.
void stopPod(Client& client, const std::string& id, std::int64_t timeout) {
  for (const auto& container : client.listContainers()) {
    if (container.pod_sandbox_id() == id && container.state() == runtime::v1::CONTAINER_RUNNING) {
      stopContainer(client, container.id(), timeout);
    }
  }
  runtime::v1::StopPodSandboxRequest request;
  request.set_pod_sandbox_id(id);
  client.call(client.runtime(), &RuntimeService::Stub::StopPodSandbox, request);
}

void stopNamed(Client& client, const Named& named, std::int64_t timeout) {
  if (named.kind == Kind::pod) return stopPod(client, named.id, timeout);
  stopContainer(client, named.id, timeout);
}

bool isRunning(Client& client, const Named& named) {
  if (named.kind == Kind::pod) {
    return std::ranges::any_of(client.listPods(), [&](const auto& pod) {
      return pod.id() == named.id && pod.state() == runtime::v1::SANDBOX_READY;
    });
  }
  return std::ranges::any_of(client.listContainers(), [&](const auto& container) {
    return container.id() == named.id && container.state() == runtime::v1::CONTAINER_RUNNING;
  });
}

void removeNamed(Client& client, const Named& named) {
  if (named.kind == Kind::pod) {
    runtime::v1::RemovePodSandboxRequest request;
    request.set_pod_sandbox_id(named.id);
    client.call(client.runtime(), &RuntimeService::Stub::RemovePodSandbox, request);
  } else {
    runtime::v1::RemoveContainerRequest request;
    request.set_container_id(named.id);
    client.call(client.runtime(), &RuntimeService::Stub::RemoveContainer, request);
  }
}

// What was done, also when the next one fails: names as typed for people, ids for programs.
class Done {
 public:
  Done(const char* verb, bool json) : verb_(verb), json_(json) {}
  ~Done() {
    if (json_) printJson({{verb_, done_}});
  }
  Done(const Done&) = delete;
  Done& operator=(const Done&) = delete;
  void add(const std::string& name, const Named& named) {
    if (!json_) std::cout << name << "\n";
    done_.push_back(
        {{"name", name}, {"kind", named.kind == Kind::pod ? "pod" : "container"}, {"id", named.id}});
  }

 private:
  const char* verb_;
  bool json_;
  nlohmann::json done_ = nlohmann::json::array();
};

int stop(const Options& options) {
  Client client(options.target);
  Done done("stopped", options.json);
  for (const std::string& name : options.names) {
    Named named = client.findEither(name);
    stopNamed(client, named, options.timeout);
    done.add(name, named);
  }
  return 0;
}

int rm(const Options& options) {
  Client client(options.target);
  Done done("removed", options.json);
  for (const std::string& name : options.names) {
    Named named = client.findEither(name);
    // CRI would kill what runs; a person is asked to mean it.
    if (isRunning(client, named)) {
      if (!options.force) throw CommandError("'" + name + "' is running: stop it first, or use -f");
      stopNamed(client, named, 0);
    }
    removeNamed(client, named);
    done.add(name, named);
  }
  return 0;
}

}  // namespace

void addStop(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("stop", "stop pods or containers");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->add_option("--timeout", options->timeout, "seconds before they are killed")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("NAME", options->names, "pod or container: id, unique beginning of one, or name")
      ->required();
  command->callback([&chosen, options] { chosen = [options] { return stop(*options); }; });
}

void addRm(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("rm", "remove pods (with their containers) or containers");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->add_flag("-f,--force", options->force, "kill what runs");
  command->add_option("NAME", options->names, "pod or container: id, unique beginning of one, or name")
      ->required();
  command->callback([&chosen, options] { chosen = [options] { return rm(*options); }; });
}

}  // namespace bulkhead::cli
