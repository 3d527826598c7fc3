// Which instruction set is chosen: the best by default, one by name in both spellings, and one line where there is
// none.
#include "../dispatch.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "../types.h"

namespace {

int failures = 0;

void check(bool right, const char *what) {
  if (right) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  failures++;
}

void check_refused(const char *name, const std::string &names) {
  char error[256] = "";
  check(!chainrule::choose_core(name, error, sizeof error), "a name that is none is refused");
  check(std::strstr(error, name) && std::strstr(error, ("choose from " + names).c_str()),
        "the error names it and what there is");
  char cut[8];
  chainrule::choose_core(name, cut, sizeof cut);
  check(std::strlen(cut) == 7, "a long error is cut");
  check(!chainrule::choose_core(name, nullptr, 0), "nobody need read the error");
}

}  // namespace

int main() {
  char list[64], error[256];
  chainrule::runnable_cores(list, sizeof list);
  const std::string names = list, best = names.substr(0, names.find(','));
  for (const char *none : {static_cast<const char *>(nullptr), ""}) {
    const chainrule::Core *core = chainrule::choose_core(none, error, sizeof error);
    check(core && core->name == best, "the best without a name");
  }
  for (size_t at = 0; at < names.size();) {
    const size_t end = std::min(names.find(", ", at), names.size());
    const std::string name = names.substr(at, end - at);
    for (const std::string &spelled : {name, "x86-64-" + name}) {
      const chainrule::Core *core = chainrule::choose_core(spelled.c_str(), error, sizeof error);
      check(core && core->name == name, "one by name");
    }
    at = end + 2;
  }
  for (const char *name : {"v9", "V3 ", "x86-64-", "avx2"}) check_refused(name, names);
  if (failures == 0) std::printf("right: %s\n", list);
  return failures != 0;
}
