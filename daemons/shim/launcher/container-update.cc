// The verb updateContainer.
#include "daemons/shim/cgroup/cgroups.h"
#include "daemons/shim/launcher/container.h"
#include "daemons/shim/resources/limits.h"
#include "daemons/shim/resources/merge.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::launcher {

Outcome<void> updateContainer(const Context& context, schema::Update::Reader update) {
  auto container = findContainer(context, update.getContainerId(), record::Lock::exclusive);
  if (!container) return tl::unexpected(container.error());
  auto state = stateOf(context, *container);
  bool lives =
      state == schema::ContainerInfo::State::CREATED || state == schema::ContainerInfo::State::RUNNING;
  if (!lives) return refuse(Code::failedPrecondition, "containerId", "has ended");
  ipc::Packet record = readSpec(container->directory.get());
  capnp::MallocMessageBuilder changed;
  changed.setRoot(record.as<schema::ContainerSpec>());
  auto spec = changed.getRoot<schema::ContainerSpec>();
  auto asked = update.getResources();
  resources::merge(asked, spec.getResources());
  if (spec.totalSize().wordCount > limits::containerSpecWords) return invalid("resources", "is too large");
  if (auto allowed = ceiling::checkResources(spec.getResources(), context.config); !allowed) return allowed;
  oci::Grants grants = grantsFor(context, container->pod->record, spec);
  auto version = grants.cgroupV2 ? resources::Version::v2 : resources::Version::v1;
  if (auto possible = resources::checkHost(asked, version, grants.hugetlb); !possible) return possible;

  resources::Group group(cgroup::mountPoint, version, grants.cgroupsPath);
  resources::Transaction transaction;
  auto done = resources::writeLimits(asked, spec.getResources(), group, transaction);
  if (done && asked.getHasOomScoreAdj())
    done = resources::writeOomScore(*grants.oomScoreAdj, group, "/proc", transaction);
  if (!done) return done;
  record::writeRecord(container->directory.get(), "container", changed);
  transaction.keep();
  return {};
}

}  // namespace bulkhead::launcher
