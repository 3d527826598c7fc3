// The C functions that Python calls.

#include <cstdint>
#include <cstdlib>

#include "spec.h"

extern "C" __attribute__((visibility("default"))) int64_t chainrule_abi(void);

int64_t chainrule_abi(void) { return 1; }

namespace chainrule {

void *allocate(long bytes) { return std::calloc(1, size_t(bytes)); }
void release(void *memory) { std::free(memory); }

}  // namespace chainrule
