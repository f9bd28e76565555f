// Who goes first when there are not enough processors. Per thread, as Linux has it (sched(7)).
#pragma once

namespace bulkhead {

enum class LaterThreads { alike, ordinary };

// For a thread that answers others and has little to do: it goes before whoever works, also in a container,
// and asks for short turns, which come sooner (Linux 6.12, EEVDF). Without the right to (CAP_SYS_NICE) it has
// no more of a share, but its turns.
void answerBeforeOthers(LaterThreads later);
// For a process that moves bytes for as long as there are any: it interrupts nobody when its turn comes, and
// has a third of others' share when there is not enough for all. Its later children inherit that.
void workBehindOthers();
// For a process that is nobody's terminal's: a session of its own, since Linux divides processors between
// sessions first (sched(7), autogroup), and what works would use up what belongs to whoever answers.
void shareByItself();

}  // namespace bulkhead
