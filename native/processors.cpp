// How many threads a call may use: environment variables, CPU affinity, CPU quotas of control groups.

#include <climits>
#include <cstdlib>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#elif defined(_WIN32)
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#endif

#include "control_groups.h"
#include "threads.h"

namespace chainrule {

namespace {

// The positive number in a variable, or the first of its list ("4,2": 4 outside of nested regions); 0 for anything
// else.
int number_in(const char *variable) {
  const char *text = std::getenv(variable);
  if (!text) return 0;
  char *end = nullptr;
  const long number = std::strtol(text, &end, 10);
  return end != text && (*end == 0 || *end == ',') && number > 0 ? int(number < INT_MAX ? number : INT_MAX) : 0;
}

// Processors in the affinity mask of this process.
int bound_to() {
#if defined(__linux__)
  unsigned long bits[128]{};  // 8,192 processors
  if (sched_getaffinity(0, sizeof bits, reinterpret_cast<cpu_set_t *>(bits)) == 0) {
    int count = 0;
    for (unsigned long word : bits) count += __builtin_popcountl(word);
    if (count > 0) return count;
  }
#elif defined(_WIN32)
  DWORD_PTR process = 0, system = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system) && process) return __builtin_popcountll(process);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count ? int(count) : 1;
}

}  // namespace

int available_threads() {
  for (const char *variable : {"CHAINRULE_THREADS", "OMP_NUM_THREADS"})
    if (const int threads = number_in(variable)) return threads;
  const int bound = bound_to(), allowed = own_quota();
  return allowed > 0 && allowed < bound ? allowed : bound;
}

}  // namespace chainrule
