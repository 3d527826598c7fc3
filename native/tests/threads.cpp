// The pool of threads without Python: regions, barriers, callers that want it together, forks, and the end of the
// process while workers sleep or spin. `threads` checks; `threads measure` prints what an empty region and a barrier
// cost.
#include "../threads.h"
#include "../affinity.h"
#include "../control_groups.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace {

using namespace chainrule;

int failures = 0;

void check(bool right, const char *what) {
  if (right) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  failures++;
}

// Threads of a region, taken from the pool and given back.
struct Lease {
  explicit Lease(int wanted) : threads(acquire(wanted)) {}
  ~Lease() {
    if (threads > 1) release_threads();
  }
  int threads;
};

// Numbers that each thread writes and its neighbour reads after the barrier: neither is atomic, so a barrier that lets
// one through too early is a race.
struct Ring {
  std::vector<long> written;
  std::vector<long> seen;
  int rounds;
};

void pass_on(void *context, int thread, int threads) {
  Ring &ring = *static_cast<Ring *>(context);
  for (int round = 0; round < ring.rounds; round++) {
    ring.written[thread] = round + 10 * thread;
    barrier(threads);
    const int neighbour = (thread + 1) % threads;
    ring.seen[thread] += ring.written[neighbour] == round + 10 * neighbour;
    barrier(threads);
  }
}

void check_regions(int wanted, int regions, int rounds) {
  const Lease lease(wanted);
  check(lease.threads == wanted, "a free pool gives the threads that are wanted");
  Ring ring{std::vector<long>(wanted), std::vector<long>(wanted), rounds};
  for (int k = 0; k < regions; k++) parallel(lease.threads, pass_on, &ring);
  for (long seen : ring.seen)
    check(seen == long(regions) * rounds, "each thread sees what its neighbour wrote before the barrier");
}

// Workers sleep between regions that are far apart.
void check_sleep() {
  for (int k = 0; k < 3; k++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    check_regions(3, 2, 2);
  }
}

void check_callers() {
  std::atomic<int> alone{0}, together{0};
  const auto call = [&] {
    for (int k = 0; k < 200; k++) {
      const Lease lease(2);
      (lease.threads == 1 ? alone : together)++;
      Ring ring{std::vector<long>(2), std::vector<long>(2), 3};
      parallel(lease.threads, pass_on, &ring);
      for (int t = 0; t < lease.threads; t++) check(ring.seen[t] == 3, "a caller has its own threads");
    }
  };
  std::thread first(call), second(call), third(call);
  first.join(), second.join(), third.join();
  check(alone + together == 600 && together > 0, "every caller comes through");
  const Lease lease(2);
  check(lease.threads == 2 && acquire(2) == 1, "a pool that is taken gives one thread");
}

#if defined(__linux__)
int processors_of_mask() {
  cpu_set_t mask;
  return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 0;
}

void check_processors() {
  const int processors = processors_of_mask(), before = current_processor();
  if (!processors) return;  // more than the mask of this test can hold
  check((leave_processors(&before, 1) != before) == (processors > 1), "a thread leaves a processor that is taken");
  std::vector<int> all(8192);
  std::iota(all.begin(), all.end(), 0);
  check(leave_processors(all.data(), 8192) >= 0, "a thread stays where all processors are taken");
  check(processors_of_mask() == processors, "an affinity mask is as before");
}
#endif

#if defined(__SSE2__)
void note_rounding(void *context, int thread, int) { static_cast<unsigned *>(context)[thread] = _mm_getcsr() & 0xffc0; }

void check_rounding() {
  const unsigned before = _mm_getcsr();
  const Lease lease(2);
  for (unsigned flush : {0x8040u, 0u}) {
    unsigned controls[2];
    _mm_setcsr((before & ~0x8040u) | flush);
    parallel(lease.threads, note_rounding, controls);
    _mm_setcsr(before);
    check(controls[0] == controls[1] && (controls[0] & 0x8040) == flush,
          "workers treat subnormal numbers as the caller does");
  }
}
#endif

#if defined(__unix__) || defined(__APPLE__)
// A child starts its own pool, also when the parent's is taken.
void check_fork(bool taken) {
  const int threads = taken ? acquire(2) : 1;
  const pid_t child = fork();
  if (child == 0) {
    failures = 0;
    check_regions(2, 3, 3);
    std::_Exit(failures);
  }
  int status = -1;
  check(waitpid(child, &status, 0) == child && status == 0, "a forked child has a pool of its own");
  if (threads > 1) release_threads();
  check_regions(2, 3, 3);
}

void write(const std::string &path, const char *text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

void check_memory(const std::string &root) {
  const auto limit = [&](const char *membership) { return memory_limit(root.c_str(), membership); };
  check(limit("0::/a/b\n") == HUGE_VAL, "no limit of memory");
  write(root + "/a/memory.max", "1073741824\n");
  write(root + "/a/b/memory.max", "max\n");
  check(limit("0::/a/b\n") == 1 << 30, "version 2: the limit of a group above");
  write(root + "/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write(root + "/memory/x/memory.limit_in_bytes", "4096\n");
  check(limit("4:memory:/x\n3:cpu,cpuacct:/x\n") == 4096, "version 1: the group's limit");
  check(limit("no line of a group\n:\n\n") == HUGE_VAL, "a text that is none");
}

void check_quota() {
  std::string root = std::filesystem::temp_directory_path() / "chainrule-groups-XXXXXX";
  if (!mkdtemp(root.data())) return check(false, "a folder for the test");
  write(root + "/cpu.max", "max 100000\n");
  check(quota(root.c_str(), "0::/a/b\n") == 0, "no quota");
  write(root + "/a/cpu.max", "250000 100000\n");
  write(root + "/a/b/cpu.max", "max 100000\n");
  check(quota(root.c_str(), "0::/a/b\n") == 3, "version 2: the quota of a group above, rounded up");
  write(root + "/a/b/cpu.max", "50000 100000\n");
  check(quota(root.c_str(), "0::/a/b\n") == 1, "version 2: the least quota");
  write(root + "/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write(root + "/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  check(quota(root.c_str(), "4:memory:/x\n3:cpu,cpuacct:/x\n") == 0, "version 1: no quota");
  write(root + "/cpu,cpuacct/x/cpu.cfs_quota_us", "400000\n");
  write(root + "/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
  check(quota(root.c_str(), "4:memory:/x\n3:cpu,cpuacct:/x\n") == 4, "version 1: the group's quota");
  check(quota(root.c_str(), "no line of a group\n:\n\n") == 0, "a text that is none");
  check_memory(root);
  std::filesystem::remove_all(root);
}

void check_variables() {
  setenv("OMP_NUM_THREADS", "5,2", 1);
  check(available_threads() == 5, "the first of OMP_NUM_THREADS");
  setenv("CHAINRULE_THREADS", "3", 1);
  check(available_threads() == 3, "CHAINRULE_THREADS comes before OMP_NUM_THREADS");
  for (const char *bad : {"", "0", "-2", "two", "2x", "1.5"}) {
    setenv("CHAINRULE_THREADS", bad, 1);
    check(available_threads() == 5, "a variable that is no positive number is passed over");
  }
  unsetenv("CHAINRULE_THREADS"), unsetenv("OMP_NUM_THREADS");
  check(available_threads() >= 1, "at least one thread without variables");
}
#endif

// --- measuring ------------------------------------------------------------------------------------------------------

using Clock = std::chrono::steady_clock;

double microseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::micro>(Clock::now() - since).count();
}

void nothing(void *, int, int) {}

void meet(void *context, int, int threads) {
  for (int k = *static_cast<int *>(context); k > 0; k--) barrier(threads);
}

// Rounds of work of unequal length with a barrier after each, as in a network's update.
struct Rounds {
  long steps;
  int rounds;
};

std::atomic<long> sink{0};

void compute(void *context, int thread, int threads) {
  const Rounds &load = *static_cast<Rounds *>(context);
  for (int round = 0; round < load.rounds; round++) {
    double x = 1;
    const double share = threads == 1 ? 1.9 : (round + thread) % 2 ? 1 : 0.9;
    for (long i = long(double(load.steps) * share); i > 0; i--) x = x * 0.999999 + 1e-9;
    sink += long(x * 1e9);
    barrier(threads);
  }
}

double round_of(long steps, int threads) {
  Rounds load{steps, int(10000000 / steps)};
  const auto begun = Clock::now();
  parallel(threads, compute, &load);
  return microseconds(begun) / load.rounds;
}

// Least and mean microseconds of a round of each size, of an empty region and of a barrier.
void measure(double seconds) {
  constexpr long sizes[] = {3000, 30000, 300000};
  const Lease lease(2);
  if (lease.threads < 2) return;
  const auto begun = Clock::now();
  double region = 1e9, meeting = 1e9, least[2][3], sum[2][3]{};
  for (auto &row : least) std::fill(std::begin(row), std::end(row), 1e9);
  int repeats = 0, meetings = 1000;
  for (; microseconds(begun) < seconds * 1e6; repeats++) {
    auto start = Clock::now();
    for (int k = 0; k < meetings; k++) parallel(2, nothing, nullptr);
    region = std::min(region, microseconds(start) / meetings);
    start = Clock::now();
    parallel(2, meet, &meetings);
    meeting = std::min(meeting, microseconds(start) / meetings);
    for (int threads : {1, 2})
      for (int s = 0; s < 3; s++) {
        const double each = round_of(sizes[s], threads);
        least[threads - 1][s] = std::min(least[threads - 1][s], each), sum[threads - 1][s] += each;
      }
  }
  std::printf("region %.2f us, barrier %.2f us\n", region, meeting);
  for (int threads : {1, 2}) {
    std::printf("%d threads, rounds of three sizes: least", threads);
    for (double each : least[threads - 1]) std::printf(" %.1f", each);
    std::printf(" us, mean");
    for (double each : sum[threads - 1]) std::printf(" %.1f", each / repeats);
    std::printf(" us\n");
  }
}

}  // namespace

int main(int count, char **arguments) {
  if (count > 1 && std::strcmp(arguments[1], "measure") == 0) {
    measure(count > 2 ? std::atof(arguments[2]) : 2);
    return 0;
  }
  check(acquire(0) == 1 && acquire(1) == 1, "one thread is never taken from the pool");
  for (int threads : {2, 3, 8}) check_regions(threads, 50, 20);
  check_sleep();
  check_callers();
#if defined(__linux__)
  check_processors();
#endif
#if defined(__SSE2__)
  check_rounding();
#endif
#if defined(__unix__) || defined(__APPLE__)
  check_fork(false);
  check_fork(true);
  check_quota();
  check_variables();
#endif
  if (failures == 0) std::puts("right");
  return failures != 0;
}
