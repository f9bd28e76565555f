#include "daemons/cri-frontend/records/pod-table.h"

#include <stdexcept>

namespace bulkhead::cri {
namespace {

PodRef makePod(record::Pod record) {
  auto id = PodId::parse(record.id(), "id");
  if (!id) throw std::runtime_error("cri.sqlite: a pod's record has no id");
  auto pod = std::make_shared<Pod>(Pod{*id, std::move(record)});
  pod->told = pod->record.state();
  return pod;
}

}  // namespace

std::string nameKey(const ::runtime::v1::PodSandboxMetadata& metadata) {
  // NUL cannot be part of a checked name.
  std::string key = metadata.name();
  for (const std::string& part :
       {metadata.namespace_(), metadata.uid(), std::to_string(metadata.attempt())}) {
    key += '\0';
    key += part;
  }
  return key;
}

PodTable::PodTable(RecordStore& store) : store_(store) {
  for (const std::string& bytes : store.load(RecordStore::Kind::pod)) {
    record::Pod record;
    if (!record.ParseFromString(bytes)) throw std::runtime_error("cri.sqlite: a pod's record is damaged");
    PodRef pod = makePod(std::move(record));
    pods_.emplace(pod->id, pod);
  }
}

PodRef PodTable::insert(record::Pod record) {
  PodRef pod = makePod(std::move(record));
  store_.put(RecordStore::Kind::pod, pod->id.text(), pod->record.SerializeAsString());
  pods_[pod->id] = pod;
  return pod;
}

PodRef PodTable::find(const PodId& id) const {
  auto found = pods_.find(id);
  return found == pods_.end() ? nullptr : found->second;
}

PodRef PodTable::findNamed(const std::string& key) const {
  for (const auto& [id, pod] : pods_) {
    if (pod->record.state() != record::Pod::CREATING && nameKey(pod->record.config().metadata()) == key)
      return pod;
  }
  return nullptr;
}

void PodTable::save(Pod& pod) {
  if (!pods_.contains(pod.id)) return;
  store_.put(RecordStore::Kind::pod, pod.id.text(), pod.record.SerializeAsString());
  if (pod.record.state() != record::Pod::READY || pod.told != record::Pod::CREATING) return;
  pod.told = record::Pod::READY;
  listener_(pod, Change::created);
  listener_(pod, Change::started);
}

void PodTable::tellStopped(Pod& pod) {
  if (pod.record.state() != record::Pod::NOT_READY || pod.told != record::Pod::READY) return;
  pod.told = record::Pod::NOT_READY;
  listener_(pod, Change::stopped);
}

void PodTable::erase(const PodId& id) {
  PodRef pod = find(id);
  store_.erase(RecordStore::Kind::pod, id.text());
  pods_.erase(id);
  // Nobody heard of one that was only being made.
  if (pod && pod->told != record::Pod::CREATING) listener_(*pod, Change::deleted);
}

}  // namespace bulkhead::cri
