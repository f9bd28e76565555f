// What the hostile workers have in common.
#pragma once

#include <string>
#include <string_view>

namespace bulkhead::hostile {

// NAME of the first "lie-NAME" in the bytes; empty: be honest.
std::string lieIn(std::string_view bytes);

// Everything on a descriptor, up to 4 MiB.
std::string readAll(int descriptor);

// Those that every role can tell; returns for others. "hang" (in a write to stderr without end, which nobody
// reads before the answer: the filter knows no call that only waits), "die", "flood-answer" (64 MiB of zeros
// to descriptor 3).
void tellCommonLie(const std::string& lie);

}  // namespace bulkhead::hostile
