// Memory for the core: zeroed, at a multiple of 64 (a line of the cache, the widest vector).

#include <cstdlib>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

#include "types.h"

namespace chainrule {

namespace {

constexpr Index line = 64;

// The machine's memory in bytes: systems hand out more than there is, and end the process when it is used.
double installed() {
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
  return double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGESIZE));
#else
  return __builtin_inf();
#endif
}

const double most = installed();

}  // namespace

// The pointer that calloc gave lies just before what is handed out.
void *allocate(Index bytes) {
  if (bytes < 0 || double(bytes) > most) return nullptr;
  char *given = static_cast<char *>(std::calloc(1, size_t(bytes) + line + sizeof(void *)));
  if (!given) return nullptr;
  auto past = reinterpret_cast<uintptr_t>(given + sizeof(void *) + line - 1);
  void **found = reinterpret_cast<void **>(past / line * line);
  found[-1] = given;
  return found;
}

void release(void *memory) {
  if (memory) std::free(static_cast<void **>(memory)[-1]);
}

}  // namespace chainrule
