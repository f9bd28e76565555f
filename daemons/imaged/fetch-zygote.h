// The fetch zygote: a child of main, forked before main confines itself, that forks one fetcher per
// operation, and planners. It exists because a filter and a network namespace are inherited: main may speak
// AF_UNIX only and sits in an empty network namespace, so a child of main could never reach a registry. The
// zygote holds no credential and reads nothing but Spawn packets of one word; each process narrows itself
// further before it reads its request. With each comes a leash, a pipe whose other end is main's: when that
// closes, the fetcher is killed, whatever has become of it.
#pragma once

#include "daemons/common/base/fd.h"
#include "daemons/imaged/fetcher/fetcher.h"
#include "daemons/imaged/planner/planner.h"

namespace bulkhead::imaged {

// Forks the zygote and waits until it is confined. Returns main's end of its control socket (SEQPACKET); when
// that closes, the zygote ends. Throws std::runtime_error if the zygote could not confine itself. Called as
// root, with one thread, before confine().
Fd startFetchZygote(const fetcher::Settings& fetchers, const planner::Settings& planners);

}  // namespace bulkhead::imaged
