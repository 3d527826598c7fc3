// Training: which passes run in which order, on which threads.
//
// An update has two phases with a barrier between them: the sweep (rows of the batch: forward, cost, backward, all with
// the old weights) and the weights (macrotiles of them: gradient, rule, transpose). There are three ways through the
// second:
//
//   fused       the gradient of a microtile moves its weights while it is in registers or in L1; it is never stored
//   collected   the gradient is stored (the chunks of a large batch added in float64), then moves the weights: for
//               clipping by its norm, for batches of more than `chunk` rows, for rules that take whole matrices, and
//               for `gradient` itself
//   blockwise   the two phases alternate for blocks of KC rows, whose gradients are added in order; the last block's
//               moves the weights: for large batches and small networks (network.h)
#pragma once

#include "pace.h"
#include "theta.h"
#include "update.h"

namespace {

using chainrule::Settings;
using chainrule::Steps;
using chainrule::Team;

template <class T> CHAINRULE_INLINE Share share_of(const Network<T> &net, Index rows, int thread, int threads) {
  return net.half ? Share(rows, half_together, thread, threads) : Share(rows, thread, threads);
}

// --- one thread's part of a phase -----------------------------------------------------------------------------------

template <class T> void fill_columns(Network<T> &net, const Batch &batch) {
  net.columns.fill(*net.sparse, [&](Index r) { return batch.row(r); }, batch.rows);
}

// Forward, costs and backward for this thread's rows.
template <class T>
void sweep(Network<T> &net, const Examples &e, const Batch &batch, bool weighted, Prefetch &prefetch, int thread,
           int threads) {
  const Share rows = share_of(net, batch.rows, thread, threads);
  if (net.sparse && thread == 0) fill_columns(net, batch);
  if (rows.begin == rows.end) return;
  gather(net, e, batch, rows.begin, rows.end);
  forward(net, batch, rows.begin, rows.end, prefetch);
  output_errors(net, e, weighted, rows.begin, rows.end, scratch_of(net, thread));
  backward(net, rows.begin, rows.end, prefetch);
}

// A sparse X as the inputs of a network until the end of the scope.
template <class T> class UsesSparse {
 public:
  UsesSparse(Network<T> &net, const Matrix &X) : net(net) { net.sparse = X.offsets ? &X : nullptr; }
  ~UsesSparse() { net.sparse = nullptr; }
  UsesSparse(const UsesSparse &) = delete;
  UsesSparse &operator=(const UsesSparse &) = delete;

  // Memory for the columns of the rows that go through together: parts of at most `together` of batches of `batch`
  // rows. False where it is short.
  bool reserve(const int64_t *order, Index rows, Index batch, Index together) const {
    if (!net.sparse) return true;
    const int64_t *offsets = net.sparse->offsets;
    Index most = 0, entries = 0;
    for (Index r = 0; r < rows; r++) {
      if (r % batch % together == 0) entries = together;  // those of the biases
      const Index row = order ? Index(order[r]) : r;
      entries += Index(offsets[row + 1] - offsets[row]);
      most = entries > most ? entries : most;
    }
    return net.columns.reserve(net.sparse->columns, most);
  }

 private:
  Network<T> &net;
};

inline constexpr Index dense_share = 4;  // one entry in so many: from then on products by 0 cost less than places

// Whether X of this update is taken as sparse: unless so many of the batch's entries are stored that its rows are made
// dense, which gives the same sums. In half precision the first layer of a sparse X stays float32, and the squares of
// its entries are added in another order, so it stays sparse for both.
template <class T> bool stays_sparse(const Network<T> &net, const Matrix &X, const Batch &batch) {
  Index entries = 0;
  for (Index r = 0; r < batch.rows; r++) entries += Index(X.offsets[batch.row(r) + 1] - X.offsets[batch.row(r)]);
  return net.half || net.settings.clip_example < __builtin_inf() || entries < batch.rows * X.columns / dense_share;
}

// --- calls ----------------------------------------------------------------------------------------------------------

template <class T> struct Call {
  Network<T> &net;
  const Steps &steps;
  const Team &team;
  Index from, to;  // updates
  double until, window_until;  // the clock
  Index made;
  bool over, window_over;
};

template <class T> double sum_of_costs(const Network<T> &net, Index rows, double sum = 0) {
  for (Index r = 0; r < rows; r++) sum += net.row_cost[r];
  return sum;
}

template <class T> void sweep_phase(Call<T> &call, const Batch &batch, Prefetch &prefetch, int thread, int threads) {
  Network<T> &net = call.net;
  const double most = net.settings.clip_example;
  const bool clips = most < __builtin_inf();
  const Share rows = share_of(net, batch.rows, thread, threads);
  sweep(net, call.steps.examples, batch, !clips, prefetch, thread, threads);
  if (clips) {
    clip_examples(net, batch, most, rows.begin, rows.end, scratch_of(net, thread));
    if (net.half) pack_error_panels(net, rows.begin, rows.end);
  }
  pack_wide_errors(net, batch.rows, rows.begin, rows.end);
  call.team.barrier(threads);
}

// About how many steps of k all microtiles of an update take together.
template <class T> double steps_of_k(const Network<T> &net, Index m) {
  const double first = double(net.layer[0].elements());
  return (3 * double(net.elements) - first) * double(m) / (24 * lanes<T>);
}

// Prefetching of the rows from `next` on, as many as go through together, while m rows do; of none where the caches
// hold all examples.
template <class T>
Prefetch prefetch_next(const Network<T> &net, const Steps &s, Index next, Index m, int thread, int threads) {
  const Matrix &X = s.examples.X;
  const Index rows = at_most(s.rows - next, at_most(net.settings.batch, net.capacity));
  if (rows <= 0 || X.offsets || X.rows * X.columns < 1 << 18) return {};
  const Share share(rows, thread, threads);
  return Prefetch(X, s.order + next, share.begin, share.end, sizeof(T), steps_of_k(net, m) / threads);
}

template <class T> void collected_update(Call<T> &call, Batch batch, double rate, double &cost, int thread,
                                         int threads) {
  Network<T> &net = call.net;
  const int64_t *order = batch.order;
  for (Index begin = 0; begin < batch.whole; begin += net.capacity) {
    batch.begin = begin;
    batch.order = order + begin;
    batch.rows = batch.whole - begin < net.capacity ? batch.whole - begin : net.capacity;
    Prefetch prefetch;
    if (net.blockwise)
      prefetch =
          prefetch_next(net, call.steps, batch.order - call.steps.order + batch.rows, batch.rows, thread, threads);
    sweep_phase(call, batch, prefetch, thread, threads);
    if (thread == 0) cost = net.blockwise ? sum_of_costs(net, batch.rows, cost) : cost + sum_of_costs(net, batch.rows);
    if (net.blockwise)
      collect_block(net, batch, prefetch, thread, threads);
    else
      collect(net, batch, net.adjust, thread, threads);
    call.team.barrier(threads);
  }
  if (thread == 0) net.factor = net.settings.clip_norm < __builtin_inf() ? clip_factor(net, net.settings.clip_norm) : 1;
  call.team.barrier(threads);
  if (rule_by_matrix(net.settings.rule)) {
    add_momentum(net, [&](const auto &f) { each_run_of_matrices(net, thread, threads, f); });
    call.team.barrier(threads);
    orthogonalise(net, call.team, thread, threads);
  }
  move_collected(net, rate, thread, threads);
}

template <class T> void update(Call<T> &call, Index k, int thread, int threads) {
  Network<T> &net = call.net;
  const Steps &s = call.steps;
  const Index at = k * net.settings.batch, m = s.rows - at < net.settings.batch ? s.rows - at : net.settings.batch;
  const Batch batch{s.order + at, 0, m, 0, m, s.epoch, s.first_batch + k};
  const Matrix &X = s.examples.X;
  if (X.offsets) {
    if (thread == 0) net.sparse = stays_sparse(net, X, batch) ? &X : nullptr;
    call.team.barrier(threads);
  }
  double cost = 0;
  if (thread == 0) net.step++;
  if (net.gradient) {
    collected_update(call, batch, s.rates[k], cost, thread, threads);
  } else {
    Prefetch prefetch = prefetch_next(net, s, at + m, m, thread, threads);
    sweep_phase(call, batch, prefetch, thread, threads);
    if (thread == 0) cost = sum_of_costs(net, m);
    fused_update(net, m, s.rates[k], prefetch, thread, threads);
  }
  if (thread == 0) s.costs[k] = cost / double(m);
}

template <class T> void work(void *context, int thread, int threads) {
  Call<T> &call = *(Call<T> *)context;
  const SubnormalsAre0 mode;
  const UsesHalf<T> half(call.net);
  // Updates between two readings of the clock.
  const Index between = 1 + Index(1e6 / (6.0 * call.net.elements * call.net.settings.batch));
  for (Index k = call.from; k < call.to; k++) {
    update(call, k, thread, threads);
    if (thread == 0) {
      call.made = k + 1;
      if ((k + 1 - call.from) % between == 0) {
        const double now = call.team.now();
        call.over = now > call.until, call.window_over = now > call.window_until;
      }
    }
    call.team.barrier(threads);
    if (call.over || call.window_over) return;
  }
}

// One window of updates, on one thread or on the team, and its pace.
template <class T> void run_window(Call<T> &call, bool with_team) {
  Network<T> &net = call.net;
  const double pace = net.pace[with_team] > 0 ? net.pace[with_team] : net.pace[!with_team];
  const double updates = pace > 0 ? window / pace : 1;
  const Index last = call.steps.updates;
  call.to = updates < double(last - call.from) ? call.from + 1 + Index(updates) : last;
  if (call.to > last) call.to = last;
  const double begun = call.team.now();
  call.window_until = begun + 2 * window;  // a team that others hold up would take many windows
  call.window_over = false;
  call.team.run(with_team ? call.team.threads : 1, work<T>, &call);
  set_pace(net, with_team, (call.team.now() - begun) / double(call.made - call.from));
  call.from = call.made;
}

template <class T> Index steps(void *self, void *theta, const Steps &s, const Team &team) {
  Network<T> &net = *(Network<T> *)self;
  const UsesSparse<T> uses(net, s.examples.X);
  if (!uses.reserve(s.order, s.rows, net.settings.batch, net.capacity)) return -1;
  const SubnormalsAre0 mode;
  ThetaCall<T> whole{net, (T *)theta};
  team.run(threads_of_copies(net, team), load_theta<T>, &whole);
  net.loaded = true;
  Call<T> call{net, s, team, 0, s.updates, team.now() + s.seconds, __builtin_inf(), 0, false, false};
  if (team.threads == 1 || team.always) {
    team.run(team.threads, work<T>, &call);
  } else {
    while (call.from < s.updates && !call.over) {
      run_window(call, wants_team(net));
      call.over |= team.now() > call.until;
    }
  }
  team.run(threads_of_copies(net, team), store_theta<T>, &whole);
  return call.made;
}

}  // namespace
