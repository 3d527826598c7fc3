// Choosing the instruction set: the build has several cores, of which the best one that the processor runs is used.
#pragma once

#include <cstddef>

namespace chainrule {

struct Core;

// The core that CHAINRULE_ISA names, else the best that this processor runs; chosen at the first call. Null if the
// processor runs none, or not the one that is named: choose_core(name, ...) says why.
const Core *choose_core();

// The core of a name ("v3" or "x86-64-v3"); the best one for null and "". Null, and one line in `error` (at most
// `capacity` bytes), if this machine runs no core of that name.
const Core *choose_core(const char *name, char *error, size_t capacity);

// The names of the cores that this machine runs, best first: "v4, v3, v2".
void runnable_cores(char *names, size_t capacity);

}  // namespace chainrule

// One for each instruction set of the build: CHAINRULE_HAS_V4, ...
extern "C" {
const chainrule::Core *chainrule_core_v4();
const chainrule::Core *chainrule_core_v3();
const chainrule::Core *chainrule_core_v2();
const chainrule::Core *chainrule_core_portable();
}
