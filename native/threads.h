// Threads for the core: how many it may use, and a pool of them for one caller at a time.
//
//     int threads = acquire(4);                // 4 or fewer; 1 while another caller has the pool
//     parallel(threads, work, context);        // as often as needed; work may call barrier(threads)
//     if (threads > 1) release_threads();
//
// Between two regions and at a barrier a thread spins, then sleeps. It yields only where another thread of its team is
// on the same processor. Workers are never joined: they own nothing, block every signal and end with the process. A
// forked child starts without a pool.
#pragma once

namespace chainrule {

// CHAINRULE_THREADS, else OMP_NUM_THREADS, else the processors of this process: those in its affinity mask, or fewer by
// the quota of its control group, rounded up. A variable that is not a positive number is ignored.
int available_threads();

// The number of threads, the caller included, that the caller may use until release_threads; 1 needs no release.
int acquire(int wanted);
void release_threads();

// Calls work(context, thread, threads) for thread = 0..threads-1, where 0 is the caller, all with the caller's rounding
// and treatment of subnormal numbers; returns when all have returned. More than one thread must be acquired.
void parallel(int threads, void (*work)(void *context, int thread, int threads), void *context);

// All threads of a region wait here for each other.
void barrier(int threads);

}  // namespace chainrule
