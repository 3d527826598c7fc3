// Choosing an instruction set; see dispatch.h.

#include "dispatch.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace chainrule {

namespace {

struct Entry {
  const char *name;
  bool (*runs)();
  const Core *(*core)();
};

#if defined(__x86_64__)
// Three bits of x86-64-v3 whose names not every compiler knows.
bool has_f16c_movbe_lzcnt() {
  unsigned a, b, c = 0, d, extended = 0;
  __get_cpuid(1, &a, &b, &c, &d);
  __get_cpuid(0x80000001, &a, &b, &extended, &d);
  return (c >> 29 & 1) && (c >> 22 & 1) && (extended >> 5 & 1);
}

// The builtin also asks whether the system saves the registers.
#define HAS(feature) bool(__builtin_cpu_supports(feature))
[[maybe_unused]] bool runs_v2() { return HAS("sse4.2") && HAS("popcnt") && HAS("ssse3"); }
[[maybe_unused]] bool runs_v3() {
  return runs_v2() && HAS("avx2") && HAS("bmi") && HAS("bmi2") && HAS("fma") && has_f16c_movbe_lzcnt();
}
[[maybe_unused]] bool runs_v4() {
  return runs_v3() && HAS("avx512f") && HAS("avx512bw") && HAS("avx512cd") && HAS("avx512dq") && HAS("avx512vl");
}
#undef HAS
#endif
[[maybe_unused]] bool runs_portable() { return true; }

// Best first.
constexpr Entry entries[] = {
#ifdef CHAINRULE_HAS_V4
    {"v4", runs_v4, chainrule_core_v4},
#endif
#ifdef CHAINRULE_HAS_V3
    {"v3", runs_v3, chainrule_core_v3},
#endif
#ifdef CHAINRULE_HAS_V2
    {"v2", runs_v2, chainrule_core_v2},
#endif
#ifdef CHAINRULE_HAS_PORTABLE
    {"portable", runs_portable, chainrule_core_portable},
#endif
};

bool is_named(const Entry &entry, const char *name) {
  static constexpr char family[] = "x86-64-";
  if (std::strncmp(name, family, sizeof family - 1) == 0) name += sizeof family - 1;
  return std::strcmp(name, entry.name) == 0;
}

}  // namespace

void runnable_cores(char *names, size_t capacity) {
  size_t used = 0;
  if (capacity) names[0] = 0;
  for (const Entry &entry : entries)
    if (entry.runs() && used < capacity)
      used += size_t(std::snprintf(names + used, capacity - used, "%s%s", used ? ", " : "", entry.name));
}

const Core *choose_core(const char *name, char *error, size_t capacity) {
  const bool named = name && name[0];
  for (const Entry &entry : entries)
    if (entry.runs() && (!named || is_named(entry, name))) return entry.core();
  char names[64];
  runnable_cores(names, sizeof names);
  if (!named) name = "any";
  std::snprintf(error, capacity, "there is no instruction set %.40s on this machine: choose from %s", name,
                names[0] ? names : "none");
  return nullptr;
}

const Core *choose_core() {
  static const Core *const chosen = choose_core(std::getenv("CHAINRULE_ISA"), nullptr, 0);
  return chosen;
}

}  // namespace chainrule
