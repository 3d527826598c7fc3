// Memory for the core: zeroed, at a multiple of 64 bytes (a cache line, the widest vector).

#include <cstdlib>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "control_groups.h"
#include "types.h"

namespace chainrule {

namespace {

constexpr Index line = 64;

// The machine's memory in bytes.
double installed() {
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
  return double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGESIZE));
#else
  return __builtin_inf();
#endif
}

// What there is for this process. More is refused: systems promise more than they have, and end the process that uses
// it.
double most() {
  static const double bytes = [] {
    const double machine = installed(), allowed = own_memory();
    return allowed < machine ? allowed : machine;
  }();
  return bytes;
}

// Asks for pages of 2 MiB where a block has whole ones: fewer of them to enter at first use and to look up.
void ask_for_huge_pages([[maybe_unused]] char *block, [[maybe_unused]] size_t bytes) {
#if defined(MADV_HUGEPAGE)
  constexpr uintptr_t huge = 1 << 21;
  const uintptr_t at = reinterpret_cast<uintptr_t>(block), begin = (at + huge - 1) / huge * huge;
  const uintptr_t end = (at + bytes) / huge * huge;
  if (end > begin) madvise(reinterpret_cast<void *>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace

// calloc's own pointer is stored just before the aligned one that is returned.
void *allocate(Index bytes) {
  if (bytes < 0 || double(bytes) > most()) return nullptr;
  const size_t whole = size_t(bytes) + line + sizeof(void *);
  char *block = static_cast<char *>(std::calloc(1, whole));
  if (!block) return nullptr;
  ask_for_huge_pages(block, whole);
  auto past = reinterpret_cast<uintptr_t>(block + sizeof(void *) + line - 1);
  void **aligned = reinterpret_cast<void **>(past / line * line);
  aligned[-1] = block;
  return aligned;
}

void release(void *memory) {
  if (memory) std::free(static_cast<void **>(memory)[-1]);
}

}  // namespace chainrule
