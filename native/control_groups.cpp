// See control_groups.h.

#include "control_groups.h"

#include <cmath>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>

namespace chainrule {

namespace {

constexpr double none = HUGE_VAL;

// A group's quota over its period, in processors.
double processors_in(const std::string &folder) {
  double allowed = 0, period = 0;
  if (std::ifstream(folder + "/cpu.max") >> allowed >> period) return allowed / period;
  if (std::ifstream(folder + "/cpu.cfs_quota_us") >> allowed && std::ifstream(folder + "/cpu.cfs_period_us") >> period)
    return allowed > 0 ? allowed / period : none;
  return none;
}

double bytes_in(const std::string &folder) {
  double bytes = 0;
  if (std::ifstream(folder + "/memory.max") >> bytes) return bytes;
  return std::ifstream(folder + "/memory.limit_in_bytes") >> bytes ? bytes : none;
}

using Limit = double (*)(const std::string &folder);

// The least limit of a group and its parents. A container may see its own group as the root, whatever its path says.
double least_above(const std::string &root, std::string path, Limit limit_in) {
  double least = limit_in(root);
  for (; !path.empty(); path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/')))
    least = std::fmin(least, limit_in(root + path));
  return least;
}

bool has_controller(const std::string &controllers, const char *wanted) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');)
    if (name == wanted) return true;
  return false;
}

// A line of `membership` is number:controllers:path, with no controllers for version 2.
double least_limit(const char *groups, const char *membership, const char *controller, Limit limit_in) {
  double least = none;
  std::istringstream lines(membership);
  for (std::string text; std::getline(lines, text);) {
    const size_t first = text.find(':'), second = text.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = text.substr(first + 1, second - first - 1), path = text.substr(second + 1);
    if (!controllers.empty() && !has_controller(controllers, controller)) continue;
    const std::string root = std::string(groups) + (controllers.empty() ? "" : "/" + controllers);
    least = std::fmin(least, least_above(root, path, limit_in));
  }
  return least;
}

// read(groups, membership) of this process; `otherwise` where that fails: no exception leaves the C ABI.
template <class Number>
Number of_this_process(Number (*read)(const char *, const char *), Number otherwise) noexcept {
#if defined(__linux__)
  try {
    std::ostringstream membership;
    membership << std::ifstream("/proc/self/cgroup").rdbuf();
    return read("/sys/fs/cgroup", membership.str().c_str());
  } catch (const std::exception &) {  // memory is short
    return otherwise;
  }
#else
  return (void)read, otherwise;
#endif
}

}  // namespace

int quota(const char *groups, const char *membership) {
  const double least = least_limit(groups, membership, "cpu", processors_in);
  return least < none ? int(std::ceil(least)) : 0;
}

double memory_limit(const char *groups, const char *membership) {
  return least_limit(groups, membership, "memory", bytes_in);
}

int own_quota() {
  static const int processors = of_this_process(quota, 0);
  return processors;
}

double own_memory() {
  static const double bytes = of_this_process(memory_limit, none);
  return bytes;
}

}  // namespace chainrule
