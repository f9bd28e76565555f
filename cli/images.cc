// bulkheadctl images, and rmi IMAGE…
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
  std::vector<std::string> references;
};

void addRows(const runtime::v1::Image& image, Table& table) {
  std::vector<std::string> names(image.repo_tags().begin(), image.repo_tags().end());
  if (names.empty()) names.assign(image.repo_digests().begin(), image.repo_digests().end());
  if (names.empty()) names.emplace_back("<none>");
  for (const std::string& name : names) {
    table.add({name, shortId(image.id()), bytesText(image.size()), image.pinned() ? "pinned" : ""});
  }
}

int images(const Options& options) {
  Client client(options.target);
  auto answer =
      client.call(client.images(), &ImageService::Stub::ListImages, runtime::v1::ListImagesRequest());
  if (options.json) {
    printJson(toJson(answer));
    return 0;
  }
  Table table({"IMAGE", "ID", "SIZE", ""});
  for (const auto& image : answer.images()) addRows(image, table);
  std::cout << table.text();
  return 0;
}

int rmi(const Options& options) {
  Client client(options.target);
  for (const std::string& reference : options.references) {
    runtime::v1::RemoveImageRequest request;
    request.mutable_image()->set_image(reference);
    client.call(client.images(), &ImageService::Stub::RemoveImage, request);
    if (!options.json) std::cout << reference << "\n";
  }
  if (options.json) printJson({{"removed", options.references}});
  return 0;
}

}  // namespace

void addImages(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("images", "list the images in the store");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->callback([&chosen, options] { chosen = [options] { return images(*options); }; });
}

void addRmi(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("rmi", "remove images from the store");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->add_option("IMAGE", options->references, "reference or id")->required();
  command->callback([&chosen, options] { chosen = [options] { return rmi(*options); }; });
}

}  // namespace bulkhead::cli
