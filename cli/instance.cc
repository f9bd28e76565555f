#include "cli/instance.h"

#include <unistd.h>

#include <climits>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"

namespace bulkhead::cli {
namespace {

constexpr const char* startFilesName = "started-with";

// FNV-1a, 32 bits: only has to tell the instances of one machine apart.
std::uint32_t hashOf(const std::string& text) {
  std::uint32_t hash = 2166136261U;
  for (unsigned char c : text) hash = (hash ^ c) * 16777619U;
  return hash;
}

}  // namespace

std::string absolutePath(const std::string& path) {
  std::string whole = std::filesystem::absolute(path).lexically_normal().string();
  while (whole.size() > 1 && whole.back() == '/') whole.pop_back();
  return whole;
}

Outcome<Instance> Instance::at(const std::string& root, const std::string& library) {
  Instance instance;
  if (!root.empty()) instance.root = absolutePath(root);
  auto layout = Layout::at(instance.root);
  if (!layout) return tl::unexpected(layout.error());
  instance.layout = *layout;
  if (library.empty()) {
    std::error_code error;
    instance.library = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
  } else {
    instance.library = absolutePath(library);
  }
  return instance;
}

std::string Instance::tag() const {
  char text[sizeof "bulkhead-" + 8];
  (void)std::snprintf(text, sizeof text, "bulkhead-%08x", hashOf(root));
  return text;
}

Account Accounts::of(Owner owner) const {
  switch (owner) {
    case Owner::root:
      return {};
    case Owner::cri:
      return cri;
    case Owner::image:
      return image;
    case Owner::storage:
      return storage;
    case Owner::net:
      return net;
  }
  return {};
}

std::string ceilingFileOf(const Instance& instance, const std::string& config, const std::string& given) {
  if (!given.empty()) return absolutePath(given);
  std::filesystem::path used = absolutePath(config.empty() ? defaultConfigFile : config);
  std::string beside = used.replace_filename("ceiling.toml").string();
  bool chosen = !config.empty() && ::access(beside.c_str(), F_OK) == 0;
  return instance.root.empty() || chosen ? beside : instance.layout.run + "/ceiling.toml";
}

void saveStartFiles(const Instance& instance, const StartFiles& files) {
  Fd run = openDirectory(instance.layout.run);
  replaceDurably(run.get(), startFilesName, files.config + "\n" + files.ceiling + "\n" + files.library + "\n",
                 0644);
}

StartFiles savedStartFiles(const Instance& instance) {
  std::istringstream lines(readSmallFile(instance.layout.run + "/" + startFilesName));
  StartFiles files;
  std::getline(lines, files.config);
  std::getline(lines, files.ceiling);
  std::getline(lines, files.library);
  return files;
}

}  // namespace bulkhead::cli
