// How many threads a call may use: environment variables, CPU affinity, CPU quotas of control groups.

#include <climits>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#elif defined(_WIN32)
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#endif

#include "threads.h"

namespace chainrule {

namespace {

// The positive number in a variable, or the first of its list ("4,2": 4 outside of nested regions); 0 for anything
// else.
int number_in(const char *variable) {
  const char *text = std::getenv(variable);
  if (!text) return 0;
  char *end = nullptr;
  const long number = std::strtol(text, &end, 10);
  return end != text && (*end == 0 || *end == ',') && number > 0 ? int(number < INT_MAX ? number : INT_MAX) : 0;
}

// Processors in the affinity mask of this process.
int bound_to() {
#if defined(__linux__)
  unsigned long bits[128]{};  // 8,192 processors
  if (sched_getaffinity(0, sizeof bits, reinterpret_cast<cpu_set_t *>(bits)) == 0) {
    int count = 0;
    for (unsigned long word : bits) count += __builtin_popcountl(word);
    if (count > 0) return count;
  }
#elif defined(_WIN32)
  DWORD_PTR process = 0, system = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system) && process) return __builtin_popcountll(process);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count ? int(count) : 1;
}

// A group's quota over its period, in processors; 0 without a quota.
double share_in(const std::string &folder) {
  double allowed = 0, period = 0;
  if (std::ifstream(folder + "/cpu.max") >> allowed >> period) return allowed / period;
  if (std::ifstream(folder + "/cpu.cfs_quota_us") >> allowed && std::ifstream(folder + "/cpu.cfs_period_us") >> period)
    return allowed > 0 ? allowed / period : 0;
  return 0;
}

// The smallest quota of a group and its parents. A container may see its own group as the root, whatever its path says.
double least_share(const std::string &root, std::string path) {
  double least = share_in(root);
  for (; !path.empty(); path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'))) {
    const double share = share_in(root + path);
    if (share > 0 && (least == 0 || share < least)) least = share;
  }
  return least;
}

bool controls_processors(const std::string &controllers) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');)
    if (name == "cpu") return true;
  return false;
}

// The quota of this process, read once.
int own_quota() {
#if defined(__linux__)
  static const int processors = [] {
    std::ostringstream membership;
    membership << std::ifstream("/proc/self/cgroup").rdbuf();
    return quota("/sys/fs/cgroup", membership.str().c_str());
  }();
  return processors;
#else
  return 0;
#endif
}

}  // namespace

// A line of `membership` is number:controllers:path, with no controllers for version 2.
int quota(const char *groups, const char *membership) {
  double least = 0;
  std::istringstream lines(membership);
  for (std::string text; std::getline(lines, text);) {
    const size_t first = text.find(':'), second = text.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = text.substr(first + 1, second - first - 1), path = text.substr(second + 1);
    if (!controllers.empty() && !controls_processors(controllers)) continue;
    const double share = least_share(std::string(groups) + (controllers.empty() ? "" : "/" + controllers), path);
    if (share > 0 && (least == 0 || share < least)) least = share;
  }
  return int(std::ceil(least));
}

int available_threads() {
  for (const char *variable : {"CHAINRULE_THREADS", "OMP_NUM_THREADS"})
    if (const int threads = number_in(variable)) return threads;
  const int bound = bound_to(), allowed = own_quota();
  return allowed > 0 && allowed < bound ? allowed : bound;
}

}  // namespace chainrule
