// Training and the pure functions: which passes run in which order, on which threads.
//
// An update has two phases with a barrier between them: the sweep (rows of the batch: forward, cost, backward, all with
// the old weights) and the weights (macrotiles of them: gradient, rule, transpose). There are two ways through the
// second:
//
//   fused       the gradient of a microtile moves its weights while it is in registers or in L1; it is never stored
//   collected   the gradient is stored (the chunks of a large batch added in float64), then moves the weights: for
//               clipping by its norm, for batches of more than `chunk` rows, for rules that take whole matrices, and
//               for `gradient` itself
#pragma once

#include "ledger.h"
#include "norms.h"
#include "orthogonal.h"

namespace {

using chainrule::Settings;
using chainrule::Steps;
using chainrule::Team;

template <class T> CHAINRULE_INLINE T *scratch_of(Network<T> &net, int thread) {
  return net.scratch + thread * net.scratch_piece;
}

// The rows of 0..rows-1 that are this thread's.
struct Share {
  Index begin, end;
  Share(Index rows, int thread, int threads) : begin(rows * thread / threads), end(rows * (thread + 1) / threads) {}
};

// Rows row..row+rows-1 of a macrotile's weights, with what is laid out like them.
template <class T> Weights<T> weights_at(Network<T> &net, const Macrotile &tile, Index row, Index rows) {
  const Layer<T> &layer = net.layer[tile.k];
  const int NV = layer.panels().NV(tile.p);
  const Index ld = NV * lanes<T>, at = layer.panel_at(tile.p) + row * ld;
  const Index penalised = layer.in - row < rows ? layer.in - row : rows;
  auto part = [at](T *packed) { return packed ? packed + at : nullptr; };
  T *const third = net.mean ? net.mean : net.slot[2];
  return {nullptr, ld, net.weights + at, part(net.slot[0]), part(net.slot[1]), part(third), part(net.mask), ld,
          rows,    NV, penalised};
}

// --- one thread's part of a phase -----------------------------------------------------------------------------------

template <class T> void fill_columns(Network<T> &net, const Batch &batch) {
  net.columns.fill(*net.sparse, [&](Index r) { return batch.row(r); }, batch.rows);
}

// Forward, costs and backward for this thread's rows.
template <class T>
void sweep(Network<T> &net, const Examples &e, const Batch &batch, bool weighted, Prefetch &prefetch, int thread,
           int threads) {
  const Share rows(batch.rows, thread, threads);
  if (net.sparse && thread == 0) fill_columns(net, batch);
  if (rows.begin == rows.end) return;
  gather(net, e, batch, rows.begin, rows.end);
  forward(net, batch, rows.begin, rows.end, prefetch);
  output_errors(net, e.by_term, weighted, rows.begin, rows.end, scratch_of(net, thread));
  backward(net, rows.begin, rows.end, prefetch);
}

template <class T> CHAINRULE_INLINE bool frozen(const Network<T> &net, const Macrotile &tile) {
  return net.rates && net.rates[tile.k] == 0;
}

// The rule of a layer, whose learning rate has a factor of its own.
template <class T, class Rule>
CHAINRULE_INLINE Rule rule_of(const Network<T> &net, const Macrotile &tile, double rate, const Rule &rule) {
  return net.rates ? Rule(net.settings.rule.parameter, rate * net.rates[tile.k], net.step) : rule;
}

// Fused: every microtile of the gradient moves its weights, in registers where the rule is light and nothing is
// adjusted.
template <class T, class Rule>
void fused_update_by(Network<T> &net, Index m, double rate, const Rule &same, Prefetch &prefetch, int thread,
                     int threads) {
  const Adjust<T> &adjust = net.adjust;
  const bool plain = !adjust.penalty && !adjust.bounded && !net.mask;
  alignas(64) T g[MR(1) * 3 * lanes<T>];
  DeltaMicropanel<T> delta;
  each_macrotile(net, thread, threads, [&](const Macrotile &tile) {
    if (frozen(net, tile) || !net.layer[tile.k].is_live(tile.p, tile.begin, tile.end)) return;
    const Rule rule = rule_of(net, tile, rate, same);
    delta.select(net, tile, m, scratch_of(net, thread));
    const Layer<T> &layer = net.layer[tile.k];
    const int NV = layer.panels().NV(tile.p);
    gradient_microtiles(net, tile, m, m, delta.B, delta.ldb, prefetch, [&](Microtile<T> &t, Index row, int rows) {
      if (!layer.is_live(tile.p, row, row + rows)) return;
      Weights<T> moved = weights_at(net, tile, row, rows);
      if constexpr (Rule::light)
        if (plain && !(tile.k == 0 && net.sparse)) {
          t.C = moved.w;  // also in place of a slot that the rule does not have
          return kernel_of<UpdateMicrokernels<T, Rule>>(rows, NV)(t, rule, moved.slot_0 ? moved.slot_0 : t.C, t.C);
        }
      t.C = g;
      gradient_microtile(net, tile, t, row, rows, NV);
      moved.g = g, moved.ldg = t.ldc;
      move_weights(moved, adjust, rule);
    });
    if (tile.k) transpose_panel(net.layer[tile.k], net.weights, net.transposed, tile.p, tile.begin, tile.end);
  });
}

template <class T> void fused_update(Network<T> &net, Index m, double rate, Prefetch &prefetch, int thread,
                                     int threads) {
  with_rule<T>(net.settings.rule, rate, net.step,
               [&](const auto &rule) { fused_update_by(net, m, rate, rule, prefetch, thread, threads); });
}

// Collected: the gradient to memory; sums over the chunks of a batch are added up in float64, then divided.
template <class T> void collect(Network<T> &net, const Batch &batch, int thread, int threads) {
  DeltaMicropanel<T> delta;
  Prefetch none;
  const bool one_chunk = batch.rows == batch.whole, last = batch.begin + batch.rows == batch.whole;
  each_macrotile(net, thread, threads, [&](const Macrotile &tile) {
    delta.select(net, tile, batch.rows, scratch_of(net, thread));
    const int NV = net.layer[tile.k].panels().NV(tile.p);
    const Index ld = NV * lanes<T>, at = net.layer[tile.k].panel_at(tile.p);
    const auto to_memory = [&](Microtile<T> &t, Index row, int rows) {
      t.C = net.gradient + at + row * ld;
      gradient_microtile(net, tile, t, row, rows, NV);
    };
    gradient_microtiles(net, tile, batch.rows, one_chunk ? batch.whole : 1, delta.B, delta.ldb, none, to_memory);
    if (one_chunk) return;
    for (Index i = at + tile.begin * ld; i < at + tile.end * ld; i++) {
      net.sums[i] = (batch.begin ? net.sums[i] : 0) + net.gradient[i];
      if (last) net.gradient[i] = T(net.sums[i] / double(batch.whole));
    }
  });
}

// Mask, penalty and bounds, on the collected gradient, which is 0 in a frozen layer.
template <class T> void adjust_collected(Network<T> &net, const Adjust<T> &adjust, int thread, int threads) {
  each_macrotile(net, thread, threads, [&](const Macrotile &tile) {
    Weights<T> w = weights_at(net, tile, tile.begin, tile.end - tile.begin);
    T *g = net.gradient + (w.w - net.weights);
    for (Index i = 0; i < w.rows; i++)
      for (Index j = 0; j < w.ld; j += lanes<T>) {
        const Index at = i * w.ld + j;
        if (frozen(net, tile)) {
          store(g + at, vec<T>{});
          continue;
        }
        store(g + at, adjusted(adjust, load(g + at), load(w.w + at), w.mask ? w.mask + at : nullptr, i < w.penalised));
      }
  });
}

// sum of (g_ij / most)^2 over a layer, in 8 lanes: i and j ascending as in theta, element j in lane j mod 8. So the
// order does not depend on the micropanels (whose padding adds 0).
template <class T> void add_squares(const Layer<T> &layer, const T *packed, double most, double (&lane)[8]) {
  const Micropanels panels = layer.panels();
  for (Index i = 0; i < layer.rows(); i++)
    for (Index p = 0; p < panels.count(); p++) {
      const Index NR = panels.NV(p) * lanes<T>, from = panels.first(p) * lanes<T>;
      const T *g = packed + layer.panel_at(p) + i * NR;
      for (Index j = 0; j < NR; j++) {
        const double share = g[j] / most;
        lane[(from + j) % 8] += share * share;
      }
    }
}

// min(1, norm / |g|) for the collected gradient, without overflow; one order of summation.
template <class T> double clip_factor(const Network<T> &net, double norm) {
  double most = 1e-30, lane[8] = {};
  for (Index i = 0; i < net.elements; i++) {
    const double size = __builtin_fabs(double(net.gradient[i]));
    if (!(size <= most)) most = size;  // NaN too
  }
  for (Index k = 0; k < net.layers; k++) add_squares(net.layer[k], net.gradient, most, lane);
  for (int half = 4; half; half /= 2)
    for (int i = 0; i < half; i++) lane[i] += lane[i + half];
  const double length = most * __builtin_sqrt(lane[0]);
  return length > norm || length != length ? norm / length : 1;
}

// Calls f(begin, end) for each run of elements of W in this thread's macrotiles of hidden layers that are not frozen.
template <class T, class F> void each_run_of_matrices(const Network<T> &net, int thread, int threads, F f) {
  each_macrotile(net, thread, threads, [&](const Macrotile &tile) {
    const Layer<T> &layer = net.layer[tile.k];
    if (tile.k + 1 == net.layers || frozen(net, tile)) return;
    const Index NR = layer.panels().NV(tile.p) * lanes<T>, at = layer.panel_at(tile.p);
    f(at + tile.begin * NR, at + (tile.end < layer.in ? tile.end : layer.in) * NR);
  });
}

// Moves the rows of W among those of a macrotile along their direction; what is left is the bias, or nothing.
template <class T, class Rule>
void move_matrix(const Network<T> &net, const Macrotile &tile, const Rule &rule, Weights<T> &moved) {
  if constexpr (requires { rule.matrix; }) {
    if (tile.k + 1 == net.layers) return;
    Weights<T> matrix = moved;
    matrix.rows = moved.penalised < 0 ? 0 : moved.penalised;
    move_weights(matrix, Adjust<T>{}, rule.matrix);
    const Index passed = matrix.rows * moved.ld;
    moved.rows -= matrix.rows, moved.penalised = 0;
    moved.g += passed, moved.w += passed, moved.slot_0 += passed, moved.slot_1 += passed;
  }
}

template <class T> void move_collected(Network<T> &net, double rate, int thread, int threads) {
  Adjust<T> adjust;
  adjust.factor = T(net.factor);
  adjust.scaled = net.factor != 1;
  with_rule<T>(net.settings.rule, rate, net.step, [&](const auto &same) {
    each_macrotile(net, thread, threads, [&](const Macrotile &tile) {
      if (frozen(net, tile)) return;
      const auto move = rule_of(net, tile, rate, same);
      Weights<T> moved = weights_at(net, tile, tile.begin, tile.end - tile.begin);
      moved.g = net.gradient + (moved.w - net.weights), moved.ldg = moved.ld, moved.mask = nullptr;
      move_matrix(net, tile, move, moved);
      move_weights(moved, adjust, move);
      if (tile.k) transpose_panel(net.layer[tile.k], net.weights, net.transposed, tile.p, tile.begin, tile.end);
    });
  });
}

// A sparse X as the inputs of a network until the end of the scope.
template <class T> class UsesSparse {
 public:
  UsesSparse(Network<T> &net, const Matrix &X) : net(net) { net.sparse = X.offsets ? &X : nullptr; }
  ~UsesSparse() { net.sparse = nullptr; }
  UsesSparse(const UsesSparse &) = delete;
  UsesSparse &operator=(const UsesSparse &) = delete;

  // Memory for the columns of every batch of m rows; false where it is short.
  bool reserve(const int64_t *order, Index rows, Index m) const {
    if (!net.sparse) return true;
    const int64_t *offsets = net.sparse->offsets;
    Index most = 0, entries = 0;
    for (Index r = 0; r < rows; r++) {
      if (r % m == 0) entries = m;  // those of the biases
      const Index row = order ? Index(order[r]) : r;
      entries += Index(offsets[row + 1] - offsets[row]);
      most = entries > most ? entries : most;
    }
    return net.columns.reserve(net.sparse->columns, most);
  }

 private:
  Network<T> &net;
};

// --- calls ----------------------------------------------------------------------------------------------------------

template <class T> struct Call {
  Network<T> &net;
  const Steps &steps;
  const Team &team;
  Index from, to;  // updates
  double until;
  Index made;
  bool over;
};

template <class T> double sum_of_costs(const Network<T> &net, Index rows) {
  double sum = 0;
  for (Index r = 0; r < rows; r++) sum += net.row_cost[r];
  return sum;
}

template <class T> void sweep_phase(Call<T> &call, const Batch &batch, Prefetch &prefetch, int thread, int threads) {
  Network<T> &net = call.net;
  const double most = net.settings.clip_example;
  const bool clips = most < __builtin_inf();
  sweep(net, call.steps.examples, batch, !clips, prefetch, thread, threads);
  if (clips) {
    const Share rows(batch.rows, thread, threads);
    clip_examples(net, batch, most, rows.begin, rows.end);
  }
  call.team.barrier(threads);
}

template <class T> void collected_update(Call<T> &call, Batch batch, double rate, double &cost, int thread,
                                         int threads) {
  Network<T> &net = call.net;
  const int64_t *order = batch.order;
  Prefetch none;
  for (Index begin = 0; begin < batch.whole; begin += net.capacity) {
    batch.begin = begin;
    batch.order = order + begin;
    batch.rows = batch.whole - begin < net.capacity ? batch.whole - begin : net.capacity;
    sweep_phase(call, batch, none, thread, threads);
    if (thread == 0) cost += sum_of_costs(net, batch.rows);
    collect(net, batch, thread, threads);
    call.team.barrier(threads);
  }
  adjust_collected(net, net.adjust, thread, threads);
  call.team.barrier(threads);
  if (thread == 0) net.factor = net.settings.clip_norm < __builtin_inf() ? clip_factor(net, net.settings.clip_norm) : 1;
  call.team.barrier(threads);
  if (rule_by_matrix(net.settings.rule)) {
    add_momentum(net, [&](const auto &f) { each_run_of_matrices(net, thread, threads, f); });
    call.team.barrier(threads);
    orthogonalise(net, call.team, thread, threads);
  }
  move_collected(net, rate, thread, threads);
}

// About how many steps of k all microtiles of an update take together.
template <class T> double steps_of_k(const Network<T> &net, Index m) {
  const double first = double(net.layer[0].elements());
  return (3 * double(net.elements) - first) * double(m) / (24 * lanes<T>);
}

// Prefetching of the next batch's rows; of none where the caches hold all examples.
template <class T>
Prefetch prefetch_next_batch(const Network<T> &net, const Steps &s, Index next, Index m, int thread, int threads) {
  const Matrix &X = s.examples.X;
  const Index rows = s.rows - next < net.settings.batch ? s.rows - next : net.settings.batch;
  if (rows <= 0 || net.sparse || X.rows * X.columns < 1 << 18) return {};
  const Share share(rows, thread, threads);
  return Prefetch(X, s.order + next, share.begin, share.end, sizeof(T), steps_of_k(net, m) / threads);
}

template <class T> void update(Call<T> &call, Index k, int thread, int threads) {
  Network<T> &net = call.net;
  const Steps &s = call.steps;
  const Index at = k * net.settings.batch, m = s.rows - at < net.settings.batch ? s.rows - at : net.settings.batch;
  const Batch batch{s.order + at, 0, m, 0, m, s.epoch, s.first_batch + k};
  double cost = 0;
  if (thread == 0) net.step++;
  if (net.gradient) {
    collected_update(call, batch, s.rates[k], cost, thread, threads);
  } else {
    Prefetch prefetch = prefetch_next_batch(net, s, at + m, m, thread, threads);
    sweep_phase(call, batch, prefetch, thread, threads);
    if (thread == 0) cost = sum_of_costs(net, m);
    fused_update(net, m, s.rates[k], prefetch, thread, threads);
  }
  if (thread == 0) s.costs[k] = cost / double(m);
}

template <class T> void work(void *context, int thread, int threads) {
  Call<T> &call = *(Call<T> *)context;
  // Updates between two readings of the clock.
  const Index between = 1 + Index(1e6 / (6.0 * call.net.elements * call.net.settings.batch));
  for (Index k = call.from; k < call.to; k++) {
    update(call, k, thread, threads);
    if (thread == 0) {
      call.made = k + 1;
      if ((k + 1 - call.from) % between == 0) call.over = call.team.now() > call.until;
    }
    call.team.barrier(threads);
    if (call.over) return;
  }
}

// Whether one thread or the team is faster is measured, window by window: no bit depends on it. The slower of them is
// tried again after `soonest` windows, then ever more rarely while it stays slower, at last every `latest` windows:
// another program may have taken the processors for a moment only.
inline constexpr double window = 2e-3;  // seconds
inline constexpr Index soonest = 8, latest = 64;

template <class T> bool team_is_faster(const Network<T> &net) { return net.pace[1] < net.pace[0]; }

template <class T> bool wants_team(const Network<T> &net) {
  if (net.pace[0] == 0 || net.pace[1] == 0) return net.pace[0] != 0;
  return team_is_faster(net) != (net.windows >= net.patience);
}

// One window of updates, on one thread or on the team, and its pace.
template <class T> void run_window(Call<T> &call, bool with_team) {
  Network<T> &net = call.net;
  const double pace = net.pace[with_team] > 0 ? net.pace[with_team] : net.pace[!with_team];
  const double updates = pace > 0 ? window / pace : 1;
  const Index last = call.steps.updates;
  call.to = updates < double(last - call.from) ? call.from + 1 + Index(updates) : last;
  if (call.to > last) call.to = last;
  const bool retry = with_team != team_is_faster(net);
  const double begun = call.team.now();
  call.team.run(with_team ? call.team.threads : 1, work<T>, &call);
  net.pace[with_team] = (call.team.now() - begun) / double(call.made - call.from);
  if (with_team == team_is_faster(net)) {
    if (retry) net.patience = soonest;
  } else if (retry) {
    net.patience = net.patience < soonest ? soonest : net.patience < latest ? 2 * net.patience : latest;
  }
  net.windows = retry ? 0 : net.windows + 1;
  call.from = call.made;
}

template <class T> Index steps(void *self, void *theta, const Steps &s, const Team &team) {
  Network<T> &net = *(Network<T> *)self;
  const UsesSparse<T> uses(net, s.examples.X);
  if (!uses.reserve(s.order, s.rows, net.settings.batch < net.capacity ? net.settings.batch : net.capacity)) return -1;
  set_theta<T>(self, theta);
  Call<T> call{net, s, team, 0, s.updates, team.now() + s.seconds, 0, false};
  if (team.threads == 1 || team.always) {
    team.run(team.threads, work<T>, &call);
  } else {
    while (call.from < s.updates && !call.over) {
      run_window(call, wants_team(net));
      call.over |= team.now() > call.until;
    }
  }
  copy_weights<Unpack>(net, (T *)theta, net.mean ? net.mean : net.weights);
  return call.made;
}

// Calls f(batch) for all rows, in chunks of the network's capacity, in their own order.
template <class T, class F> void each_chunk(Network<T> &net, Index rows, Index epoch, Index number, F f) {
  for (Index begin = 0; begin < rows; begin += net.capacity)
    f(Batch{nullptr, begin, rows - begin < net.capacity ? rows - begin : net.capacity, begin, rows, epoch, number});
}

template <class T> struct PureCall {
  Network<T> &net;
  const Examples &examples;
  const Team &team;
  double cost;
  double *norms;
  bool gradient;
  bool squared;  // the mean of the squares of the examples' gradients, in place of their mean
  Ledger<T> ledger;
  Index epoch = 0, number = 0;  // of the batch, for its dropout
};

// (a ⊗ delta)^2 = a^2 ⊗ delta^2, so the same product as for the gradient then sums the squares. The weight s of an
// example enters once, with delta^2. Source: Dangel, Kunstner & Hennig, BackPACK, ICLR 2020.
template <class T> void square_examples(Network<T> &net, Index begin, Index end) {
  for (Index k = 0; k < net.layers; k++) {
    Neurons<T> &from = net.neurons[k], &to = net.neurons[k + 1];
    for (Index r = begin; r < end; r++) {
      const vec<T> weight = broadcast(T(net.row_weight[r]));
      T *a = from.A + r * from.ld, *delta = to.delta + r * to.ld;
      for (Index i = 0; i < from.n + 1; i += lanes<T>) store(a + i, load(a + i) * load(a + i));
      for (Index j = 0; j < to.n; j += lanes<T>) store(delta + j, load(delta + j) * load(delta + j) * weight);
    }
  }
}

template <class T> void pure_work(void *context, int thread, int threads) {
  auto &call = *(PureCall<T> *)context;
  Network<T> &net = call.net;
  each_chunk(net, call.examples.X.rows, call.epoch, call.number, [&](const Batch &batch) {
    const Share rows(batch.rows, thread, threads);
    if (call.gradient && net.sparse && thread == 0) fill_columns(net, batch);
    if (rows.begin < rows.end) {
      gather(net, call.examples, batch, rows.begin, rows.end);
      Prefetch none;
      forward(net, batch, rows.begin, rows.end, none);
      if (call.ledger.out) copy_forward(net, call.ledger, batch.begin, rows.begin, rows.end);
      const bool weighted = call.gradient && !call.squared;
      output_errors(net, call.examples.by_term, weighted, rows.begin, rows.end, scratch_of(net, thread));
      if (call.gradient || call.norms || call.ledger.out) backward(net, rows.begin, rows.end, none);
      if (call.ledger.out) copy_backward(net, call.ledger, batch.begin, rows.begin, rows.end);
      if (call.squared) square_examples(net, rows.begin, rows.end);
      for (Index r = rows.begin; call.norms && r < rows.end; r++)
        call.norms[batch.begin + r] = __builtin_sqrt(squared_norm(net, r, batch.row(r)));
    }
    call.team.barrier(threads);
    if (thread == 0) {
      double sum = 0;
      for (Index r = 0; r < batch.rows; r++) sum += net.row_cost[r];
      call.cost += sum;
    }
    if (call.gradient) collect(net, batch, thread, threads);
    call.team.barrier(threads);
  });
}

template <class T> double cost(void *self, const Examples &e, const Team &team) {
  Network<T> &net = *(Network<T> *)self;
  const UsesSparse<T> uses(net, e.X);
  PureCall<T> call{net, e, team, 0, nullptr, false, false, {}};
  team.run(team.threads, pure_work<T>, &call);
  return call.cost / double(e.X.rows);
}

template <class T> void norms(void *self, const Examples &e, double *out, const Team &team) {
  PureCall<T> call{*(Network<T> *)self, e, team, 0, out, false, false, {}};
  team.run(team.threads, pure_work<T>, &call);
}

template <class T>
void ledger(void *self, const Examples &e, Index epoch, Index number, void *out, double *costs, const Team &team) {
  const Ledger<T> to{(T *)out, costs, e.X.rows};
  PureCall<T> call{*(Network<T> *)self, e, team, 0, nullptr, false, false, to, epoch, number};
  team.run(team.threads, pure_work<T>, &call);
}

template <class T>
bool gradient(void *self, const Examples &e, double divisor, double alpha, double l1, void *out, const Team &team) {
  Network<T> &net = *(Network<T> *)self;
  const UsesSparse<T> uses(net, e.X);
  if (!uses.reserve(nullptr, e.X.rows, net.capacity)) return false;
  PureCall<T> call{net, e, team, 0, nullptr, true, false, {}};
  team.run(team.threads, pure_work<T>, &call);
  Settings penalty{};
  penalty.divisor = divisor, penalty.alpha = alpha, penalty.l1 = l1, penalty.clip_value = __builtin_inf();
  adjust_collected(net, adjustment<T>(penalty), 0, 1);
  copy_weights<Unpack>(net, (T *)out, net.gradient);
  return true;
}

template <class T> void second_moments(void *self, const Examples &e, void *out, const Team &team) {
  Network<T> &net = *(Network<T> *)self;
  PureCall<T> call{net, e, team, 0, nullptr, true, true, {}};
  team.run(team.threads, pure_work<T>, &call);
  Settings none{};
  none.divisor = 1, none.clip_value = __builtin_inf();
  adjust_collected(net, adjustment<T>(none), 0, 1);  // for the masks
  copy_weights<Unpack>(net, (T *)out, net.gradient);
}

}  // namespace
