// The pinned network namespaces: one nsfs file per pod, mounted on DIRECTORY/POD-ID in the host's mount
// namespace, where network agents and people may enter it.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"

namespace bulkhead::netns {

class Pins {
 public:
  // Opens `directory` and makes it the working directory, because umount2(2) takes no directory descriptor.
  // Throws SystemError.
  explicit Pins(const std::string& directory);

  // A new network namespace with its loopback interface up, pinned. An existing pin is ok; what is left of an
  // earlier boot or of an interrupted make() (a plain file) is replaced.
  Outcome<void> make(const PodId& pod);

  // Takes the pin away; the namespace ends with its last user. Absent is ok.
  Outcome<void> remove(const PodId& pod);

  // The pod's namespace, to be entered; invalid if it has no pin.
  [[nodiscard]] Fd open(const PodId& pod) const;

  // The pods that have a pin, unordered. Plain files with a pod's name, which an earlier boot left, are
  // removed.
  std::vector<PodId> list();

 private:
  [[nodiscard]] bool isPinned(const PodId& pod) const;
  void removeFile(const PodId& pod);

  Fd directory_;
};

}  // namespace bulkhead::netns
