#include "daemons/shim/open-files/count-files.h"

#include <fcntl.h>

#include "daemons/common/base/beneath.h"
#include "daemons/shim/open-files/open-files.h"
#include "ipc/convert.h"

namespace bulkhead::files {
namespace {

// Descriptors looked at for one request: some tenths of a second.
constexpr size_t mostDescriptors = 200'000;

struct Counted {
  ContainerId id;
  OpenFiles files;
  std::uint64_t limit = 0;
};

void countContainer(const Fd& pod, const std::string& parent, const ContainerId& id, size_t& left,
                    std::vector<Counted>& into) {
  Fd directory = tryOpenBeneath(pod.get(), "containers/" + id.text(), O_RDONLY | O_DIRECTORY);
  auto processes = directory ? record::readRecord(directory.get(), "processes") : std::nullopt;
  if (!processes) return;
  auto files = countOpenFiles(parent + "/" + id.text(), left);
  if (files.descriptors == 0) return;
  pid_t first = processes->as<schema::ContainerProcesses>().getPid();
  into.push_back({id, files, openFilesLimit(first)});
}

}  // namespace

void countFiles(const record::Pods& pods, capnp::List<capnp::Text>::Reader ids,
                schema::LaunchReply::Builder reply) {
  size_t left = mostDescriptors;
  std::vector<Counted> all;
  for (auto text : ids) {
    auto id = PodId::parse(ipc::toString(text), "podId");
    if (!id) continue;
    Fd directory = tryOpenBeneath(pods.directory.get(), id->text(), O_RDONLY | O_DIRECTORY);
    auto pod = directory ? record::readRecord(directory.get(), "pod") : std::nullopt;
    if (!pod) continue;
    std::string parent = ipc::toString(pod->as<schema::PodRecord>().getCgroup());
    for (const auto& container : record::listContainers(directory.get()))
      countContainer(directory, parent, container, left, all);
  }
  auto list = reply.initFiles(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setContainerId(all[i].id.text());
    list[i].setDescriptors(all[i].files.descriptors);
    list[i].setSockets(all[i].files.sockets);
    list[i].setLimit(all[i].limit);
  }
}

}  // namespace bulkhead::files
