// Who goes first when there are not enough processors. Per thread, as Linux has it (sched(7), nice value).
#pragma once

namespace bulkhead {

// For a thread that answers others and has little to do: it goes before whoever works, also in a container.
// Its later threads inherit that. Without the right to (CAP_SYS_NICE) nothing changes.
void answerBeforeOthers();
// For a thread that has much to do: as everybody.
void workAsOthers();

}  // namespace bulkhead
