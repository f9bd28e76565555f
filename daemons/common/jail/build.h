// What kind of build this is, as a value instead of #ifdef.
#pragma once

namespace bulkhead::jail {

// Built with a sanitizer, whose runtime reserves terabytes of address space, makes system calls of its own,
// and traces the process at exit. Such a build logs calls outside the filter instead of dying, has no
// RLIMIT_AS, and stays dumpable. It is never shipped.
#ifdef BULKHEAD_SANITIZED
inline constexpr bool sanitizedBuild = true;
#else
inline constexpr bool sanitizedBuild = false;
#endif

}  // namespace bulkhead::jail
