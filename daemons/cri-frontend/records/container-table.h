// ContainerTable: every container we know, in memory and, write-through, in the record store.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemons/common/base/ids.h"
#include "daemons/cri-frontend/records/change.h"
#include "daemons/cri-frontend/records/exit-notice.h"
#include "daemons/cri-frontend/records/record-store.h"
#include "daemons/cri-frontend/records/record.pb.h"

namespace bulkhead::cri {

struct Container {
  ContainerId id;
  PodId podId;
  record::Container record;
  bool starting = false;  // StartContainer is under way
  bool stopSignalSent =
      false;  // a second stop must not send it again: many programs take a second one as "now"
  ExitNotice exited;
  record::Container::State told = record::Container::CREATING;  // the last state that a listener heard of
};
using ContainerRef = std::shared_ptr<Container>;

// What the kubelet means by one container: (pod, name, attempt) as one string.
std::string nameKey(const PodId& pod, const ::runtime::v1::ContainerMetadata& metadata);

class ContainerTable {
 public:
  // Loads what the store holds; a record that cannot be read throws std::runtime_error.
  explicit ContainerTable(RecordStore& store);
  // Hears of every container's creation, start, end and removal from now on, each once and in this order.
  void listen(ChangeListener<Container> listener) { listener_ = std::move(listener); }

  ContainerRef insert(record::Container record);
  // Null if there is none.
  [[nodiscard]] ContainerRef find(const ContainerId& id) const;
  [[nodiscard]] ContainerRef findNamed(const std::string& key) const;
  [[nodiscard]] std::vector<ContainerRef> ofPod(const PodId& pod) const;
  // Writes the record as it now is, if the container is still known, and tells of a change of its state.
  void save(Container& container);
  // Only tells: of an end that is durable elsewhere and could not be written here.
  void tell(Container& container);
  void erase(const ContainerId& id);

  [[nodiscard]] const std::map<ContainerId, ContainerRef>& all() const { return containers_; }

 private:
  RecordStore& store_;
  std::map<ContainerId, ContainerRef> containers_;
  ChangeListener<Container> listener_ = [](const Container&, Change) {};
};

}  // namespace bulkhead::cri
