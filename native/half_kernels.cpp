// Choosing the kernels of half precision; see half_kernels.h.

#include "half_kernels.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace chainrule {

namespace {

struct Entry {
  const char *name;
  bool (*runs)();
  const HalfKernels *(*kernels)();
};

#if defined(__x86_64__) && defined(__linux__)
// Bits of leaf 7 of CPUID whose names not every compiler knows.
bool has_bit(unsigned subleaf, unsigned bit, bool in_edx) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, subleaf, &a, &b, &c, &d)) return false;
  return (in_edx ? d : a) >> bit & 1;
}

[[maybe_unused]] bool runs_avx512_bf16() {
  return bool(__builtin_cpu_supports("avx512f")) && bool(__builtin_cpu_supports("avx512bw")) &&
         bool(__builtin_cpu_supports("avx512vl")) && has_bit(1, 5, false);
}

// The system gives a process the tiles of AMX only where it asks for them.
[[maybe_unused]] bool may_use_tiles() {
  constexpr long request = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request, tile_data) == 0;
}
[[maybe_unused]] bool runs_amx_bf16() {
  return runs_avx512_bf16() && has_bit(0, 22, true) && has_bit(0, 24, true) && may_use_tiles();
}
#endif

// Best first; null at the end.
constexpr Entry entries[] = {
#ifdef CHAINRULE_HAS_AMX_BF16
    {"amx_bf16", runs_amx_bf16, chainrule_half_amx_bf16},
#endif
#ifdef CHAINRULE_HAS_AVX512_BF16
    {"avx512_bf16", runs_avx512_bf16, chainrule_half_avx512_bf16},
#endif
    {nullptr, nullptr, nullptr},
};

const HalfKernels *choose(const char *name) {
  const bool named = name && name[0];
  for (const Entry *entry = entries; entry->name; entry++)
    if ((!named || std::strcmp(name, entry->name) == 0) && entry->runs()) return entry->kernels();
  return nullptr;
}

}  // namespace

void runnable_half(char *names, size_t capacity) {
  size_t used = 0;
  if (capacity) names[0] = 0;
  for (const Entry *entry = entries; entry->name; entry++)
    if (used < capacity && entry->runs())
      used += size_t(std::snprintf(names + used, capacity - used, "%s%s", used ? ", " : "", entry->name));
}

const HalfKernels *choose_half() {
  static const HalfKernels *const chosen = choose(std::getenv("CHAINRULE_HALF"));
  return chosen;
}

}  // namespace chainrule
