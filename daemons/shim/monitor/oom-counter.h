// Whether the kernel's OOM killer ended a process of the container.
#pragma once

namespace bulkhead::shim {

// `counter` is the control group's memory.oom_control (v1) or memory.events (v2). The kernel counts before it
// sends the signal ("task reaper must see this", mm/oom_kill.c, __oom_kill_process): whoever has reaped the
// process finds it counted, in the group of the victim, whichever group's limit it was. False if the group is
// gone.
bool countsOomKill(int counter);

}  // namespace bulkhead::shim
