#include "daemons/imaged/planner/certificates.h"

#include <algorithm>

#include "daemons/imaged/planner/root-files.h"

namespace bulkhead::planner {
namespace {

std::string present(const std::string& path, Owner owner) {
  auto text = readFile(path, owner);
  if (!text) throw FileError(path + ": is missing");
  return *text;
}

Certificates readAll(const std::string& directory) {
  Certificates found;
  for (const std::string& name : namesIn(directory, ".crt"))
    found.authorities += present(directory + "/" + name, Owner::root) + "\n";
  auto clients = namesIn(directory, ".cert");
  if (clients.empty()) return found;
  std::string stem = directory + "/" + clients[0].substr(0, clients[0].size() - std::string(".cert").size());
  found.certificate = present(stem + ".cert", Owner::root);
  found.key = present(stem + ".key", Owner::anyone);  // may be the image daemon's own
  return found;
}

}  // namespace

Certificates certificatesOf(const std::string& host, const std::vector<std::string>& directories) {
  for (const std::string& directory : directories) {
    std::string place = directory + "/" + host;
    if (isDirectory(place)) return readAll(place);
  }
  return {};
}

std::vector<std::string> certifiedHosts(const std::vector<std::string>& directories) {
  std::vector<std::string> hosts;
  for (const std::string& directory : directories) {
    for (std::string& name : namesIn(directory, "")) {
      if (isDirectory(directory + "/" + name)) hosts.push_back(std::move(name));
    }
  }
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

}  // namespace bulkhead::planner
