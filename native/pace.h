// The pace of a run: whether its updates are made by one thread or by the team.
//
// Which of them is faster is measured, window by window: no bit depends on it. The slower one is tried again after
// `soonest` windows, then ever more rarely while it stays slower, at last every `latest` windows: another program may
// have taken the processors for a moment only. Where a trial was faster than the other's pace, the next window is a
// trial too.
#pragma once

#include "network.h"

namespace {

using chainrule::Team;

inline constexpr double window = 2e-3;  // seconds
inline constexpr Index soonest = 8, latest = 256;

template <class T> bool team_is_faster(const Network<T> &net) { return net.pace[1] < net.pace[0]; }

template <class T> bool wants_team(const Network<T> &net) {
  if (net.pace[0] == 0 || net.pace[1] == 0) return net.pace[0] != 0;
  return team_is_faster(net) != (net.windows >= net.patience);
}

// Takes the seconds per update of a window into the mean of the last ones, so that neither a disturbance nor a lucky
// moment decides. The first window of a run may be many times too slow: it is forgotten.
template <class T> void set_pace(Network<T> &net, bool with_team, double measured) {
  double &pace = net.pace[with_team], other = net.pace[!with_team];
  const bool trial = with_team != team_is_faster(net);
  pace = measured < pace / 4 || pace == 0 ? measured : pace + (measured - pace) / 8;
  if (trial && with_team == team_is_faster(net))
    net.patience = soonest;
  else if (trial)
    net.patience = measured < other ? 0 : net.patience < soonest ? soonest : at_most(2 * net.patience, latest);
  net.windows = trial ? 0 : net.windows + 1;
}

// Threads that copy theta: the team where it was faster and its threads have enough to copy.
template <class T> int threads_of_copies(const Network<T> &net, const Team &team) {
  const bool faster = net.pace[1] > 0 && team_is_faster(net);
  return team.always || (faster && net.elements > 1 << 17) ? team.threads : 1;
}

}  // namespace
