// Which processor the calling thread runs on, and how it leaves one that another thread of its team uses.
//
// A system that wakes a thread often puts it on the processor of the thread that wakes it. Where both then wait for
// each other, neither is idle, so the system has no reason to part them: a team of two computes on one processor.
#pragma once

namespace chainrule {

// The number of the processor that runs the calling thread now; -1 where the system does not say.
int current_processor();

// Moves the calling thread to a processor of its affinity mask that is none of the `count` in `taken`, if there is one.
// The mask is as before afterwards. Returns the processor that runs the thread then.
int leave_processors(const int *taken, int count);

}  // namespace chainrule
