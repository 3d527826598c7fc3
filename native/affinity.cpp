// See affinity.h. Only Linux has calls for it; elsewhere nothing moves.

#include "affinity.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace chainrule {

#if defined(__linux__)

namespace {

constexpr int word_bits = 8 * sizeof(unsigned long);

// An affinity mask of up to 8,192 processors.
struct Mask {
  unsigned long word[128]{};
  void remove(int processor) {
    if (processor >= 0 && processor < int(8 * sizeof word))
      word[processor / word_bits] &= ~(1ul << processor % word_bits);
  }
  bool empty() const {
    for (unsigned long bits : word)
      if (bits) return false;
    return true;
  }
  bool get() { return sched_getaffinity(0, sizeof word, reinterpret_cast<cpu_set_t *>(word)) == 0; }
  bool set() const { return sched_setaffinity(0, sizeof word, reinterpret_cast<const cpu_set_t *>(word)) == 0; }
};

}  // namespace

int current_processor() { return sched_getcpu(); }

int leave_processors(const int *taken, int count) {
  Mask own;
  if (!own.get()) return current_processor();
  Mask free = own;
  for (int i = 0; i < count; i++) free.remove(taken[i]);
  const bool moved = !free.empty() && free.set();  // the thread has moved when the call returns
  const int now = current_processor();
  if (moved) own.set();
  return now;
}

#else

int current_processor() { return -1; }
int leave_processors(const int *, int) { return -1; }

#endif

}  // namespace chainrule
