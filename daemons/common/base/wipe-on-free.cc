// Compiled into programs that credentials pass through: whoever reads their memory later finds none in what
// was freed. glibc's free() is replaced by one that clears first (glibc manual, "Replacing malloc"); what
// realloc(3) moves away from is not cleared.
#include <malloc.h>

#include <cstring>

// glibc's own, by the name that it keeps for this.
extern "C" void __libc_free(void* memory);  // NOLINT(bugprone-reserved-identifier)

extern "C" void free(void* memory) noexcept {
  if (memory == nullptr) return;
  ::explicit_bzero(memory, ::malloc_usable_size(memory));
  ::__libc_free(memory);
}
