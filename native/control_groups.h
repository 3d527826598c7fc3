// What the control groups of Linux (versions 1 and 2) allow a process: a group's limit, or the least of its parents'.
//
// `groups` is their mount point, `membership` the text of /proc/self/cgroup.
#pragma once

namespace chainrule {

// The quota of processors, rounded up; 0 for none.
int quota(const char *groups, const char *membership);

// The limit of memory in bytes; infinite for none.
double memory_limit(const char *groups, const char *membership);

// Those of this process, read once; none where they cannot be read.
int own_quota();
double own_memory();

}  // namespace chainrule
