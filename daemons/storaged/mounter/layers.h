// The directories of one container in the store, found by names that were parsed, opened beneath the store.
#pragma once

#include <cstdint>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/ids.h"
#include "daemons/storaged/overlay/overlay.h"

namespace bulkhead::mounter {

// Adds containers/ID/closed/{upper,work}, which are made if they are absent: upper with the owner, mode and
// time of the topmost layer's root as that is seen here, whole or not at all; both in project `project` where
// the file system has such (0: in none). containers/ID is main's to make; refuses with notFound if it is not
// there.
Outcome<void> openWritable(int store, const ContainerId& container, std::uint32_t project,
                           overlay::Layers& layers);

// containers/ID/closed/root, which a compose worker filled. Refuses with notFound.
Outcome<Fd> openComposed(int store, const ContainerId& container);

}  // namespace bulkhead::mounter
