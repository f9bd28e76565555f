// The durable debts: every pod for which CNI ADD may have allocated something that a CNI DEL must free again.
//
// STATE/owed/POD-ID is written before ADD and removed after the DEL that succeeded. STATE/attached/POD-ID
// holds the result of the ADD; without it the ADD did not finish, and only its DEL is left to do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/netd/cni-result.h"
#include "daemons/netd/conflist.h"
#include "daemons/netd/disk-thread.h"
#include "daemons/netd/pod-network.h"

namespace bulkhead::netd {

struct OwedRecord {
  PodNetwork pod;
  Conflist
      conflist;  // as it was at the ADD: DEL must find the same plugins, whatever the directory says by then
  bool detaching = false;  // a DEL was asked for, and failed
};

std::string serialise(const OwedRecord& record);
// Refuses (invalidArgument) what serialise() did not write.
Outcome<OwedRecord> parseOwedRecord(std::string_view text);

class OwedRecords {
 public:
  // `state` is netd's own state directory, open. Throws SystemError.
  OwedRecords(int state, DiskThread& disk);

  struct Loaded {
    OwedRecord record;
    std::optional<CniResult> result;
  };
  // Everything on disk, at start; blocks. A record that cannot be read is logged and left where it is; a
  // result without a record is removed. A result that cannot be read is one without addresses: the pod runs.
  std::vector<Loaded> load();

  // Durable when the promise resolves. Throws at once, having done nothing, what could not be read again.
  kj::Promise<void> write(const OwedRecord& record);
  // Written, but not forced to the disk: after a power cut the pod and its namespace are gone as well, and a
  // DEL without prevResult still frees what IPAM keeps.
  kj::Promise<void> writeResult(const PodId& pod, const CniResult& result);
  // Not forced to the disk: a record that comes back costs one DEL more, which is idempotent.
  kj::Promise<void> forget(const PodId& pod);

 private:
  void sweepResults();

  Fd owed_;
  Fd attached_;
  DiskThread& disk_;
};

}  // namespace bulkhead::netd
