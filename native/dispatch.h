// Which of the core's instruction sets runs on this machine.
#pragma once

#include <cstddef>

namespace chainrule {

struct Core;

// The core that CHAINRULE_ISA names, else the best that this processor runs; chosen at the first call. Null where there is
// none, or the variable names none: choose_core(name, ...) says why.
const Core *choose_core();

// The core of a name ("v3", also "x86-64-v3"), or for null and "" the best. Null, and one line in `error`, if this machine
// runs none of that name.
const Core *choose_core(const char *name, char *error, size_t room);

// The names that this machine runs, best first, as "v4, v3, v2".
void runnable_cores(char *names, size_t room);

}  // namespace chainrule

// One for each instruction set that the build has: CHAINRULE_HAS_V4, ...
extern "C" {
const chainrule::Core *chainrule_core_v4();
const chainrule::Core *chainrule_core_v3();
const chainrule::Core *chainrule_core_v2();
const chainrule::Core *chainrule_core_portable();
}
