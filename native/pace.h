// The pace of a run: whether its updates are made by one thread or by the team.
//
// Whether one thread or the team is faster is measured, window by window: no bit depends on it. The slower of them is
// tried again after `soonest` windows, then ever more rarely while it stays slower, at last every `latest` windows:
// another program may have taken the processors for a moment only.
#pragma once

#include "network.h"

namespace {

using chainrule::Team;

inline constexpr double window = 2e-3;  // seconds
inline constexpr Index soonest = 8, latest = 64;

template <class T> bool team_is_faster(const Network<T> &net) { return net.pace[1] < net.pace[0]; }

template <class T> bool wants_team(const Network<T> &net) {
  if (net.pace[0] == 0 || net.pace[1] == 0) return net.pace[0] != 0;
  return team_is_faster(net) != (net.windows >= net.patience);
}

// Takes the seconds per update of a window; `retry` says that the slower of the two made it. A faster window counts at
// once, a slower one by a quarter: other programs disturb single windows, and none is faster than it can be.
template <class T> void set_pace(Network<T> &net, bool with_team, bool retry, double measured) {
  double &pace = net.pace[with_team];
  pace = pace > 0 && measured > pace ? pace + (measured - pace) / 4 : measured;
  if (with_team == team_is_faster(net)) {
    if (retry) net.patience = soonest;
  } else if (retry) {
    net.patience = net.patience < soonest ? soonest : net.patience < latest ? 2 * net.patience : latest;
  }
  net.windows = retry ? 0 : net.windows + 1;
}

// Threads that copy theta: the team where it was faster and its threads have enough to copy.
template <class T> int threads_of_copies(const Network<T> &net, const Team &team) {
  const bool faster = net.pace[1] > 0 && team_is_faster(net);
  return team.always || (faster && net.elements > 1 << 17) ? team.threads : 1;
}

}  // namespace
