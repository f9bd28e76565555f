// A socket by which whoever holds it can ask for the interfaces of one network namespace, without being in
// it.
#pragma once

#include "daemons/common/base/fd.h"

namespace bulkhead::netns {

// Enters `space` for good, so only in a child. Invalid, with errno, if that does not work. The socket gives
// no right to change anything: the kernel judges whoever sends (netlink(7), "Permissions").
Fd openWatchSocket(const Fd& space);

}  // namespace bulkhead::netns
