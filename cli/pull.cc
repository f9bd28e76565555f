// bulkheadctl pull REF
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/pull-progress.h"

namespace bulkhead::cli {
namespace {

struct Options {
  Target target;
  std::string reference;
  bool json = false;
};

int pull(const Options& options) {
  std::string image = pullImage(options.target, options.reference, std::cerr, STDERR_FILENO);
  if (options.json) {
    printJson({{"image_ref", image}});
  } else {
    std::cout << image << "\n";
  }
  return 0;
}

}  // namespace

void addPull(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("pull", "fetch an image from its registry");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->add_option("REF", options->reference, "HOST[:PORT]/PATH[:TAG][@DIGEST]")->required();
  command->callback([&chosen, options] { chosen = [options] { return pull(*options); }; });
}

}  // namespace bulkhead::cli
