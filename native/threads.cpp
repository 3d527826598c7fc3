// The pool of threads; see threads.h. Each worker waits for its own `call` to change; all wait at one barrier.
//
//     parallel   caller: region, then call++ of each worker ──► worker: moves away, work ──► barrier
//                caller: work of thread 0                   ───────────────────────────────► barrier ──► returns

#include "threads.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <new>
#include <thread>
#include <type_traits>

#include "affinity.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#endif

namespace chainrule {

namespace {

constexpr int most = 256;  // threads in a pool
constexpr int line = 128;  // bytes that processors exchange at once: neighbouring cache lines

// How long a waiting thread spins before it looks who shares its processor, and how long it stays awake (measured:
// docs/decisions/0035).
constexpr auto spinning = std::chrono::microseconds(2), awake = std::chrono::microseconds(1000);

void relax() {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

// A thread's control word: rounding mode and treatment of subnormal numbers.
#if defined(__SSE2__)
using Rounding = unsigned;
Rounding rounding() { return _mm_getcsr(); }
void set_rounding(Rounding r) { _mm_setcsr(r); }
#elif defined(__aarch64__) && defined(__GNUC__)
using Rounding = uint64_t;
Rounding rounding() {
  Rounding r;
  asm volatile("mrs %0, fpcr" : "=r"(r));
  return r;
}
void set_rounding(Rounding r) { asm volatile("msr fpcr, %0" : : "r"(r)); }
#else
using Rounding = int;
Rounding rounding() { return 0; }
void set_rounding(Rounding) {}
#endif

struct Region {
  void (*work)(void *, int, int);
  void *context;
  int threads;
  Rounding rounding;
};

struct alignas(line) Word {
  std::atomic<int32_t> value{0};
};

struct Pool {
  std::atomic<bool> taken{false};
  int workers = 0;
  Region region{};
  Word arrived, passed;  // of the barrier: threads that wait, and how often all have met
  Word call[most];       // one a worker; [0] is not used
  Word processor[most];  // that ran a thread when the last region began
};

constinit Pool pool;
constinit thread_local int self = 0;  // the place of this thread in its team: the caller has 0
static_assert(std::is_trivially_destructible_v<Pool>, "workers may use it until the process is gone");

// Whether one of the first so many threads was on this thread's processor when it last said where it is.
bool shares_processor(int threads) {
  const int now = current_processor();
  pool.processor[self].value.store(now, std::memory_order_relaxed);
  for (int other = 0; now >= 0 && other < threads; other++)
    if (other != self && pool.processor[other].value.load(std::memory_order_relaxed) == now) return true;
  return now < 0;
}

// Waits until the word, which one of the first so many threads will change, is not `old`: spins, then sleeps. A thread
// does not yield its processor to other programs, from which it would get it back only after milliseconds, but it
// yields to a thread of its own team that it may wait for.
void wait_while(const std::atomic<int32_t> &word, int32_t old, int threads) {
  using Clock = std::chrono::steady_clock;
  const auto begun = Clock::now();
  for (auto waited = Clock::duration(0); waited < awake; waited = Clock::now() - begun) {
    if (waited > spinning && shares_processor(threads)) std::this_thread::yield();
    for (int i = 0; i < 16; i++) {
      if (word.load(std::memory_order_acquire) != old) return;
      relax();
    }
  }
  word.wait(old, std::memory_order_acquire);
}

void change(std::atomic<int32_t> &word) {
  word.fetch_add(1, std::memory_order_acq_rel);
  word.notify_all();
}

// Where another thread of the region before this one runs on the same processor, this one moves away from all of them.
// A thread that has not begun yet may have moved since: then the next region sees it.
void take_processor(int thread) {
  int now = current_processor(), taken[most];
  bool shared = false;
  for (int other = 0; other < thread; other++) {
    taken[other] = pool.processor[other].value.load(std::memory_order_relaxed);
    shared |= now >= 0 && taken[other] == now;
  }
  if (shared) now = leave_processors(taken, thread);
  pool.processor[thread].value.store(now, std::memory_order_relaxed);
}

void serve(int thread) {
  self = thread;
  for (int32_t served = 0;; served++) {
    wait_while(pool.call[thread].value, served, 1);
    const Region region = pool.region;
    take_processor(thread);
    set_rounding(region.rounding);
    region.work(region.context, thread, region.threads);
    barrier(region.threads);
  }
}

// Blocks all signals in new workers: a signal must reach one of the program's own threads.
class SignalsBlocked {
#if defined(__unix__) || defined(__APPLE__)
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }

 private:
  sigset_t before;
#endif
};

// Starts workers until the pool has `wanted` threads, or fewer where the system refuses.
void grow(int wanted) {
  [[maybe_unused]] const SignalsBlocked blocked;
  for (; pool.workers + 1 < wanted; pool.workers++) {
    try {
      std::thread(serve, pool.workers + 1).detach();
    } catch (const std::exception &) {  // system_error: too many threads; bad_alloc
      return;
    }
  }
}

#if defined(__unix__) || defined(__APPLE__)
// In a forked child only the thread that forked exists.
void forget() { new (&pool) Pool; }

[[maybe_unused]] const int forgetting = pthread_atfork(nullptr, nullptr, forget);
#endif

}  // namespace

int acquire(int wanted) {
  if (wanted <= 1 || pool.taken.exchange(true, std::memory_order_acquire)) return 1;
  grow(wanted < most ? wanted : most);
  const int threads = pool.workers + 1 < wanted ? pool.workers + 1 : wanted;
  if (threads == 1) release_threads();
  return threads;
}

void release_threads() { pool.taken.store(false, std::memory_order_release); }

void parallel(int threads, void (*work)(void *, int, int), void *context) {
  if (threads > 1) {
    pool.region = {work, context, threads, rounding()};
    take_processor(0);
    for (int thread = 1; thread < threads; thread++) change(pool.call[thread].value);
  }
  work(context, 0, threads);
  barrier(threads);
}

void barrier(int threads) {
  if (threads <= 1) return;
  const int32_t passed = pool.passed.value.load(std::memory_order_acquire);
  if (pool.arrived.value.fetch_add(1, std::memory_order_acq_rel) + 1 < threads)
    return wait_while(pool.passed.value, passed, threads);
  pool.arrived.value.store(0, std::memory_order_relaxed);
  change(pool.passed.value);
}

}  // namespace chainrule
