// bulkheadctl up: the embedded supervisor. One command brings up all daemons; ^C takes them down.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/commands.h"
#include "cli/error.h"
#include "cli/instance.h"
#include "cli/supervisor/directories.h"
#include "cli/supervisor/supervisor.h"
#include "daemons/common/base/log.h"

namespace bulkhead::cli {
namespace {

struct Options {
  std::string root;
  std::string config;
  std::string ceiling;
  std::string library;
};

// Makes run/ and the ceiling there before the configuration is read, for the ceiling is part of it.
StartFiles prepareFiles(const Instance& instance, const Options& options) {
  StartFiles files;
  files.config = absolutePath(options.config.empty() ? defaultConfigFile : options.config);
  files.ceiling = ceilingFileOf(instance, options.config, options.ceiling);
  files.library = instance.library;
  if (files.ceiling == instance.layout.run + "/ceiling.toml") supervisor::writeDefaultCeiling(instance);
  if (!options.config.empty() && ::access(files.config.c_str(), R_OK) != 0) {
    throw CommandError("cannot read " + files.config + ": " + errnoText(errno));
  }
  return files;
}

void report(const supervisor::Survivors& survivors, const Instance& instance) {
  if (survivors.pods == 0 && survivors.containers == 0) return;
  std::cerr << "bulkheadctl: still there: " << survivors.pods << " pods, " << survivors.containers
            << " running containers; 'bulkheadctl up"
            << (instance.root.empty() ? "" : " --root " + instance.root) << "' manages them again\n";
}

int up(const Options& options) {
  log::setComponent("up");
  if (::geteuid() != 0) throw CommandError("up must be run as root: it gives every daemon its own user");
  Instance instance = orFail(Instance::at(options.root, options.library));
  supervisor::makeRunDirectory(instance);
  Fd lock = supervisor::lockInstance(instance);
  StartFiles files = prepareFiles(instance, options);
  Settings settings = loadSettings(instance, files.config, files.ceiling);
  supervisor::makeDirectories(instance, settings.accounts);
  saveStartFiles(instance, files);

  supervisor::Supervisor supervisor(instance, settings.accounts, settings.streaming, files, {});
  supervisor.run(
      [&instance] { std::cout << "CRI socket: unix://" << instance.layout.criSocket() << std::endl; });
  report(supervisor.survivors(), instance);
  return 0;
}

}  // namespace

void addUp(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("up", "start all daemons and keep them running until ^C (root)");
  command->add_option("--root", options->root,
                      "directory for run/, state/ and logs/ (default: the packaged places)");
  command->add_option("--config", options->config, "configuration")->default_str(defaultConfigFile);
  command->add_option("--ceiling", options->ceiling, "the most this node grants (default: README.md)");
  command->add_option("--library", options->library, "where the daemons are (default: beside bulkheadctl)");
  command->callback([&chosen, options] { chosen = [options] { return up(*options); }; });
}

}  // namespace bulkhead::cli
