// What a container has mounted besides its root: part of another image, or an empty directory of its own.
#pragma once

#include <cstdint>
#include <string>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"

namespace bulkhead::mounter {

// A mount of what is at `path` in `mount`, with its attributes: links in it are followed inside. Refuses
// notFound, and invalidArgument for what is neither a directory nor a regular file.
Outcome<Fd> partOf(const Fd& mount, const std::string& path);

// containers/ID/closed/volumes/NUMBER, root's and 0755, made if it is absent. containers/ID is main's to make
// and to remove. Refuses notFound.
Outcome<Fd> anonymousVolume(int store, const ContainerId& container, std::uint16_t number);

}  // namespace bulkhead::mounter
