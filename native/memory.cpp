// Memory for the core: zeroed, at a multiple of 64 bytes (a cache line, the widest vector).

#include <cstdlib>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

#include "types.h"

namespace chainrule {

namespace {

constexpr Index line = 64;

// The machine's memory in bytes. More is refused: systems promise more than they have, and end the process that uses
// it.
double installed() {
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
  return double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGESIZE));
#else
  return __builtin_inf();
#endif
}

const double most = installed();

}  // namespace

// calloc's own pointer is stored just before the aligned one that is returned.
void *allocate(Index bytes) {
  if (bytes < 0 || double(bytes) > most) return nullptr;
  char *block = static_cast<char *>(std::calloc(1, size_t(bytes) + line + sizeof(void *)));
  if (!block) return nullptr;
  auto past = reinterpret_cast<uintptr_t>(block + sizeof(void *) + line - 1);
  void **aligned = reinterpret_cast<void **>(past / line * line);
  aligned[-1] = block;
  return aligned;
}

void release(void *memory) {
  if (memory) std::free(static_cast<void **>(memory)[-1]);
}

}  // namespace chainrule
