// bulkheadctl doctor: will this host do?
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/commands.h"
#include "cli/error.h"
#include "cli/host-checks.h"
#include "cli/instance.h"
#include "cli/json.h"
#include "cli/table.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/layout.h"

namespace bulkhead::cli {
namespace {

struct Options {
  std::string root;
  std::string config;
  std::string ceiling;
  bool json = false;
};

std::string unifiedControllers(const std::string& mountInfo) {
  std::string point = unifiedMountPoint(mountInfo);
  return point.empty() ? "" : readSmallFile(point + "/cgroup.controllers");
}

HostCheck checkConfiguration(const Options& options, RuntimeChoice& runtime, HostCheck& authFiles) {
  try {
    Instance instance = orFail(Instance::at(options.root, ""));
    StartFiles started = savedStartFiles(instance);
    std::string config = options.config.empty() ? started.config : options.config;
    std::string ceiling = options.ceiling.empty() ? started.ceiling : options.ceiling;
    Settings settings = loadSettings(instance, config, ceiling);
    runtime = chooseRuntime(settings.defaultRuntimePath, settings.hasFallbackRuntime);
    authFiles = checkAuthFiles(settings.globalAuthFile, settings.namespacedAuthDirectory,
                               settings.accounts.image.uid, settings.accounts.image.gid);
    if (settings.ceilingProfile == "permissive") {
      return {"configuration", Finding::warning, "valid; the ceiling is 'permissive'",
              "whoever owns bulkhead-cri is root on this node: use 'baseline' with exceptions"};
    }
    return {"configuration", Finding::ok, "valid; ceiling: " + settings.ceilingProfile, ""};
  } catch (const std::exception& error) {
    return {"configuration", Finding::failure, error.what(), ""};
  }
}

std::vector<HostCheck> allChecks(const Options& options) {
  std::vector<HostCheck> all = checkKernel();
  auto append = [&all](std::vector<HostCheck> more) { all.insert(all.end(), more.begin(), more.end()); };
  RuntimeChoice runtime = chooseRuntime("", false);
  HostCheck authFiles = checkAuthFiles("", "", 0, 0);
  HostCheck configuration = checkConfiguration(options, runtime, authFiles);
  std::string mountInfo = readSmallFile("/proc/self/mountinfo");
  append({checkCgroups(mountInfo, unifiedControllers(mountInfo), runtime)});
  append({checkBoundingSet(readSmallFile("/proc/self/status"))});
  append({checkProjectQuota(mountInfo, orFail(Layout::at(options.root)).storage())});
  append(checkRuntimes());
  append(checkCni());
  append({checkAccounts(), configuration, authFiles});
  return all;
}

const char* findingText(Finding finding) {
  switch (finding) {
    case Finding::ok:
      return "ok";
    case Finding::warning:
      return "warning";
    case Finding::failure:
      return "FAILURE";
  }
  return "";
}

void printTable(const std::vector<HostCheck>& checks) {
  Table table({"CHECK", "RESULT", "FOUND"});
  for (const HostCheck& check : checks) table.add({check.name, findingText(check.finding), check.text});
  std::cout << table.text();
  for (const HostCheck& check : checks) {
    if (!check.advice.empty()) std::cout << "\n" << check.name << ": " << check.advice << ".\n";
  }
}

int doctor(const Options& options) {
  std::vector<HostCheck> checks = allChecks(options);
  bool good = std::ranges::none_of(checks, [](const HostCheck& c) { return c.finding == Finding::failure; });
  if (!options.json) {
    printTable(checks);
    return good ? 0 : 1;
  }
  nlohmann::json all = nlohmann::json::array();
  for (const HostCheck& check : checks) {
    all.push_back({{"check", check.name},
                   {"result", findingText(check.finding)},
                   {"found", check.text},
                   {"advice", check.advice}});
  }
  printJson({{"ok", good}, {"checks", all}});
  return good ? 0 : 1;
}

}  // namespace

void addDoctor(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("doctor", "check this host and give advice; exits 1 if Bulkhead cannot run");
  command->add_option("--root", options->root, "root directory of the instance (default: the packaged one)");
  command->add_option("--config", options->config, "configuration");
  command->add_option("--ceiling", options->ceiling, "ceiling");
  addOutputOption(*command, options->json);
  command->callback([&chosen, options] { chosen = [options] { return doctor(*options); }; });
}

}  // namespace bulkhead::cli
