// PodTable: every pod we know, in memory and, write-through, in the record store.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemons/common/base/ids.h"
#include "daemons/cri-frontend/records/change.h"
#include "daemons/cri-frontend/records/record-store.h"
#include "daemons/cri-frontend/records/record.pb.h"

namespace bulkhead::cri {

struct Pod {
  PodId id;
  record::Pod record;
  record::Pod::State told = record::Pod::CREATING;  // the last state that a listener heard of
};
using PodRef = std::shared_ptr<Pod>;

// What the kubelet means by one pod sandbox: (name, namespace, uid, attempt) as one string.
std::string nameKey(const ::runtime::v1::PodSandboxMetadata& metadata);

class PodTable {
 public:
  // Loads what the store holds; a record that cannot be read throws std::runtime_error.
  explicit PodTable(RecordStore& store);
  // Hears of every pod's creation, start, end and removal from now on, each once and in this order.
  void listen(ChangeListener<Pod> listener) { listener_ = std::move(listener); }

  // Writes the record, then knows the pod.
  PodRef insert(record::Pod record);
  // Null if there is none.
  [[nodiscard]] PodRef find(const PodId& id) const;
  // The pod of that name that is not being created or undone; null if there is none.
  [[nodiscard]] PodRef findNamed(const std::string& key) const;
  // Writes the record as it now is, if the pod is still known, and tells of one that has become ready.
  void save(Pod& pod);
  // Tells of the end of one that is not ready any more: when its containers have ended too.
  void tellStopped(Pod& pod);
  void erase(const PodId& id);

  [[nodiscard]] const std::map<PodId, PodRef>& all() const { return pods_; }

 private:
  RecordStore& store_;
  std::map<PodId, PodRef> pods_;
  ChangeListener<Pod> listener_ = [](const Pod&, Change) {};
};

}  // namespace bulkhead::cri
