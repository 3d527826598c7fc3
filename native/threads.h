// Threads for the core: how many there may be, and a pool of them that one caller holds at a time.
//
//     int threads = acquire(4);                // 4 or fewer; 1 where another caller holds the pool
//     parallel(threads, work, context);        // as often as needed; work may call barrier(threads)
//     if (threads > 1) release_threads();
//
// Between two regions and at a barrier a thread spins for a moment, then offers its processor to others again and again,
// then sleeps. Workers are never joined: they own nothing, block every signal and end with the process. A forked child
// starts without a pool.
#pragma once

namespace chainrule {

// CHAINRULE_THREADS, else OMP_NUM_THREADS, else the processors that this process may use: those it is bound to, or fewer
// by the quota of its control group, rounded up. A variable that is no positive number counts as not set.
int available_threads();

// Threads that the caller may use until release_threads, itself among them. Of 1 there is nothing to release.
int acquire(int wanted);
void release_threads();

// work(context, thread, threads) for thread = 0..threads-1, 0 being the caller, all with the caller's rounding and
// handling of subnormal numbers; returns when all have. More than one thread only while they are acquired.
void parallel(int threads, void (*work)(void *context, int thread, int threads), void *context);

// Where the threads of a region wait for each other.
void barrier(int threads);

// The quota of control groups in processors, rounded up; 0 for none. `groups` is where they are mounted, `membership` the
// text of /proc/self/cgroup (versions 1 and 2).
int quota(const char *groups, const char *membership);

}  // namespace chainrule
