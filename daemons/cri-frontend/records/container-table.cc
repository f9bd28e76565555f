#include "daemons/cri-frontend/records/container-table.h"

#include <stdexcept>

namespace bulkhead::cri {
namespace {

ContainerRef makeContainer(record::Container record) {
  auto id = ContainerId::parse(record.id(), "id");
  auto pod = PodId::parse(record.pod_id(), "pod_id");
  if (!id || !pod) throw std::runtime_error("cri.sqlite: a container's record has no ids");
  auto container = std::make_shared<Container>(Container{*id, *pod, std::move(record)});
  container->told = container->record.state();
  if (container->record.state() == record::Container::EXITED) container->exited.notify();
  return container;
}

}  // namespace

std::string nameKey(const PodId& pod, const ::runtime::v1::ContainerMetadata& metadata) {
  std::string key = pod.text();
  key += '\0';
  key += metadata.name();
  key += '\0';
  key += std::to_string(metadata.attempt());
  return key;
}

ContainerTable::ContainerTable(RecordStore& store) : store_(store) {
  for (const std::string& bytes : store.load(RecordStore::Kind::container)) {
    record::Container record;
    if (!record.ParseFromString(bytes))
      throw std::runtime_error("cri.sqlite: a container's record is damaged");
    ContainerRef container = makeContainer(std::move(record));
    containers_.emplace(container->id, container);
  }
}

ContainerRef ContainerTable::insert(record::Container record) {
  ContainerRef container = makeContainer(std::move(record));
  store_.put(RecordStore::Kind::container, container->id.text(), container->record.SerializeAsString());
  containers_[container->id] = container;
  return container;
}

ContainerRef ContainerTable::find(const ContainerId& id) const {
  auto found = containers_.find(id);
  return found == containers_.end() ? nullptr : found->second;
}

ContainerRef ContainerTable::findNamed(const std::string& key) const {
  for (const auto& [id, container] : containers_) {
    const auto& record = container->record;
    if (record.state() != record::Container::CREATING &&
        nameKey(container->podId, record.config().metadata()) == key) {
      return container;
    }
  }
  return nullptr;
}

std::vector<ContainerRef> ContainerTable::ofPod(const PodId& pod) const {
  std::vector<ContainerRef> found;
  for (const auto& [id, container] : containers_) {
    if (container->podId == pod) found.push_back(container);
  }
  return found;
}

void ContainerTable::save(Container& container) {
  if (!containers_.contains(container.id)) return;
  store_.put(RecordStore::Kind::container, container.id.text(), container.record.SerializeAsString());
  tell(container);
}

void ContainerTable::tell(Container& container) {
  auto state = container.record.state();
  if (container.told == state || !containers_.contains(container.id)) return;
  container.told = state;
  if (state == record::Container::CREATED) listener_(container, Change::created);
  if (state == record::Container::RUNNING) listener_(container, Change::started);
  if (state == record::Container::EXITED) listener_(container, Change::stopped);
}

void ContainerTable::erase(const ContainerId& id) {
  ContainerRef container = find(id);
  store_.erase(RecordStore::Kind::container, id.text());
  containers_.erase(id);
  // Nobody heard of one that was only being made.
  if (container && container->told != record::Container::CREATING) listener_(*container, Change::deleted);
}

}  // namespace bulkhead::cri
