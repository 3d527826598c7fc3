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

#include "ledger.h"
#include "length.h"
#include "norms.h"
#include "orthogonal.h"
#include "pace.h"
#include "theta.h"

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
  // The same in whole units of rows.
  Share(Index rows, Index unit, int thread, int threads) : Share((rows + unit - 1) / unit, thread, threads) {
    begin = at_most(begin * unit, rows), end = at_most(end * unit, rows);
  }
};

template <class T> CHAINRULE_INLINE Share share_of(const Network<T> &net, Index rows, int thread, int threads) {
  return net.half ? Share(rows, half_together, thread, threads) : Share(rows, thread, threads);
}

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
  const Share rows = share_of(net, batch.rows, thread, threads);
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

// A thread's update: what it multiplies, and what is prefetched meanwhile.
template <class T> struct Moving {
  Network<T> &net;
  Factors<T> factors;
  Prefetch &prefetch;
  int thread, threads;
};

// Moves weights whose gradient is complete, or is to be adjusted first.
template <class T, class Rule>
CHAINRULE_INLINE void move(const Weights<T> &moved, const Adjust<T> *adjust, const Rule &rule) {
  adjust ? move_weights(moved, *adjust, rule) : move_weights(moved, rule);
}

template <class T, class Rule>
void move_narrow(Moving<T> &call, const Macrotile &tile, const Adjust<T> *adjust, const Rule &rule) {
  alignas(64) T g[MC * lanes<T>];
  narrow_gradient(call.net, tile, call.factors.m, call.factors.m, g);
  Weights<T> moved = weights_at(call.net, tile, tile.begin, tile.end - tile.begin);
  moved.g = g, moved.ldg = lanes<T>;
  move(moved, adjust, rule);
}

// The same in half precision: what no mask keeps at 0.
template <class T, class Rule>
void move_half(Moving<T> &call, const Macrotile &tile, const Adjust<T> *adjust, const Rule &rule) {
  Network<T> &net = call.net;
  const Layer<T> &layer = net.layer[tile.k];
  alignas(64) T g[half_together * 3 * lanes<T>];
  each_half_gradient(net, tile, call.factors.m, call.factors.m, [&](Index row, Index rows, auto gradient) {
    if (!layer.is_live(tile.p, row, row + rows)) return;
    Weights<T> moved = weights_at(net, tile, row, rows);
    const T *const arrays[] = {moved.w, moved.slot_0, moved.slot_1};
    for (const T *array : arrays)
      if (array) prefetch_rows(array, moved.ld, rows, moved.vectors);
    gradient(g);
    moved.g = g, moved.ldg = moved.ld;
    move(moved, adjust, rule);
  });
}

// Every microtile of a macrotile's gradient moves its weights: in registers where the rule is light and the gradient is
// complete, else in L1.
template <class T, class Rule>
void move_macrotile(Moving<T> &call, const Macrotile &tile, const Adjust<T> *adjust, const Rule &rule) {
  Network<T> &net = call.net;
  if (in_half(net, tile.k)) return move_half(call, tile, adjust, rule);
  if (is_narrow(net, tile.k, call.factors.m)) return move_narrow(call, tile, adjust, rule);
  alignas(64) T g[MR(1) * 3 * lanes<T>];
  const Layer<T> &layer = net.layer[tile.k];
  const int NV = layer.panels().NV(tile.p);
  const bool sparse = tile.k == 0 && net.sparse;
  gradient_microtiles(net, tile, call.factors, call.factors.m, call.prefetch,
                      [&](Microtile<T> &t, Index row, int rows) {
                        if (!layer.is_live(tile.p, row, row + rows)) return;
                        if constexpr (Rule::light)
                          if (!adjust && !sparse) {
                            const Index at = layer.panel_at(tile.p) + row * t.ldc;
                            t.C = net.weights + at;  // also in place of a slot that the rule does not have
                            T *slot = net.slot[0] ? net.slot[0] + at : t.C;
                            return kernel_of<UpdateMicrokernels<T, Rule>>(rows, NV)(t, rule, slot, t.C);
                          }
                        Weights<T> moved = weights_at(net, tile, row, rows);
                        t.C = g;
                        gradient_microtile(net, tile, t, row, rows, NV);
                        moved.g = g, moved.ldg = t.ldc;
                        move(moved, adjust, rule);
                      });
}

// The same for a macrotile whose weights decay while its biases do not.
template <class T, class Rule> void move_decayed(Moving<T> &call, const Macrotile &tile, const Rule &rule) {
  const Index in = call.net.layer[tile.k].in;
  const Macrotile weights{tile.k, tile.p, tile.begin, tile.end < in ? tile.end : in},
      biases{tile.k, tile.p, in, in + 1};
  const Adjust<T> *none = nullptr;
  if (weights.begin < weights.end)
    move_macrotile(call, weights, none, Decayed<T, Rule>{rule, broadcast(call.net.adjust.alpha)});
  if (tile.end > in) move_macrotile(call, biases, none, rule);
}

// Fused: the gradient of a microtile moves its weights at once.
template <class T, class Rule>
[[gnu::noinline]] void fused_update_by(Moving<T> &call, double rate, const Rule &same) {
  Network<T> &net = call.net;
  const Adjust<T> &adjust = net.adjust;
  const bool complete = !adjust.penalty && !adjust.bounded && !net.mask, decays = adjust.decays_only() && !net.mask;
  const auto move = [&](const Macrotile &tile, const Rule &rule) {
    decays ? move_decayed(call, tile, rule) : move_macrotile(call, tile, complete ? nullptr : &adjust, rule);
  };
  each_macrotile(net, call.thread, call.threads, [&](const Macrotile &tile) {
    if (frozen(net, tile) || !net.layer[tile.k].is_live(tile.p, tile.begin, tile.end)) return;
    if (!in_half(net, tile.k)) call.factors.select(net, tile);
    net.rates ? move(tile, rule_of(net, tile, rate, same)) : move(tile, same);
    pack_moved(net, tile.k, tile.p, tile.begin, tile.end);
  });
}

template <class T> void fused_update(Network<T> &net, Index m, double rate, Prefetch &prefetch, int thread,
                                     int threads) {
  Moving<T> call{net, {m, scratch_of(net, thread)}, prefetch, thread, threads};
  with_rule<T>(net.settings.rule, rate, net.step, [&](const auto &rule) { fused_update_by(call, rate, rule); });
}

// Mask, penalty and bounds on a macrotile of the collected gradient, which is 0 in a frozen layer.
template <class T> void adjust_macrotile(Network<T> &net, const Adjust<T> &adjust, const Macrotile &tile) {
  Weights<T> w = weights_at(net, tile, tile.begin, tile.end - tile.begin);
  T *g = net.gradient + (w.w - net.weights);
  const bool none = frozen(net, tile);
  if (!none && !adjust.penalty && !adjust.bounded && !w.mask) return;
  for (Index i = 0; i < w.rows; i++)
    for (Index at = i * w.ld; at < (i + 1) * w.ld; at += lanes<T>) {
      const T *mask = w.mask ? w.mask + at : nullptr;
      store(g + at, none ? vec<T>{} : adjusted(adjust, load(g + at), load(w.w + at), mask, i < w.penalised));
    }
}

// Collected: the gradient to memory; sums over the chunks of a batch are added up in float64, then divided; then
// adjusted.
template <class T>
void collect(Network<T> &net, const Batch &batch, const Adjust<T> &adjust, int thread, int threads) {
  Factors<T> factors{batch.rows, scratch_of(net, thread)};
  Prefetch none;
  const bool one_chunk = batch.rows == batch.whole, last = batch.begin + batch.rows == batch.whole;
  const Index whole = one_chunk ? batch.whole : 1;
  each_macrotile(net, thread, threads, [&](const Macrotile &tile) {
    const int NV = net.layer[tile.k].panels().NV(tile.p);
    const Index ld = NV * lanes<T>, at = net.layer[tile.k].panel_at(tile.p);
    const auto to_memory = [&](Microtile<T> &t, Index row, int rows) {
      t.C = net.gradient + at + row * ld;
      gradient_microtile(net, tile, t, row, rows, NV);
    };
    if (in_half(net, tile.k)) {
      each_half_gradient(net, tile, batch.rows, whole,
                         [&](Index row, Index, auto gradient) { gradient(net.gradient + at + row * ld); });
    } else {
      factors.select(net, tile);
      gradient_microtiles(net, tile, factors, whole, none, to_memory);
    }
    for (Index i = at + tile.begin * ld; !one_chunk && i < at + tile.end * ld; i++) {
      net.sums[i] = (batch.begin ? net.sums[i] : 0) + net.gradient[i];
      if (last) net.gradient[i] = T(net.sums[i] / double(batch.whole));
    }
    if (last) adjust_macrotile(net, adjust, tile);
  });
}

// Adds a microtile's gradient of one block of rows to those of the blocks before it; the last makes a mean of the sum.
// The order is that of one product over the whole batch.
template <class T>
CHAINRULE_INLINE void add_microtile(const T *g, Index count, const Batch &batch, T *sum) {
  const bool first = batch.begin == 0, last = batch.begin + batch.rows == batch.whole;
  const vec<T> scale = broadcast(T(1 / double(batch.whole)));
  for (Index i = 0; i < count; i += lanes<T>) {
    const vec<T> whole = first ? load(g + i) : load(sum + i) + load(g + i);
    store(sum + i, last ? whole * scale : whole);
  }
}

// Collected, block after block of KC rows.
template <class T>
void collect_block(Network<T> &net, const Batch &batch, Prefetch &prefetch, int thread, int threads) {
  Factors<T> factors{batch.rows, scratch_of(net, thread)};
  alignas(64) T g[MC * 3 * lanes<T>];
  each_macrotile(net, thread, threads, [&](const Macrotile &tile) {
    const int NV = net.layer[tile.k].panels().NV(tile.p);
    const Index ld = NV * lanes<T>;
    T *sum = net.gradient + net.layer[tile.k].panel_at(tile.p);
    if (is_narrow(net, tile.k, batch.rows)) {
      narrow_gradient(net, tile, batch.rows, 1, g);
      add_microtile(g, (tile.end - tile.begin) * ld, batch, sum + tile.begin * ld);
    } else {
      factors.select(net, tile);
      gradient_microtiles(net, tile, factors, 1, prefetch, [&](Microtile<T> &t, Index row, int rows) {
        t.C = g;
        gradient_microtile(net, tile, t, row, rows, NV);
        add_microtile(g, rows * ld, batch, sum + row * ld);
      });
    }
    if (batch.begin + batch.rows == batch.whole) adjust_macrotile(net, net.adjust, tile);
  });
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
    move_weights(matrix, rule.matrix);
    const Index passed = matrix.rows * moved.ld;
    moved.rows -= matrix.rows, moved.penalised = 0;
    moved.g += passed, moved.w += passed, moved.slot_0 += passed, moved.slot_1 += passed;
  }
}

template <class T> void move_collected(Network<T> &net, double rate, int thread, int threads) {
  const vec<T> factor = broadcast(T(net.factor));
  with_rule<T>(net.settings.rule, rate, net.step, [&]<class Rule>(const Rule &same) {
    each_macrotile(net, thread, threads, [&](const Macrotile &tile) {
      if (frozen(net, tile)) return;
      Weights<T> moved = weights_at(net, tile, tile.begin, tile.end - tile.begin);
      const Rule rule = rule_of(net, tile, rate, same);
      moved.g = net.gradient + (moved.w - net.weights), moved.ldg = moved.ld;
      move_matrix(net, tile, rule, moved);
      move_weights(moved, Scaled<T, Rule>{rule, factor});
      pack_moved(net, tile.k, tile.p, tile.begin, tile.end);
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

  // Memory for the columns of the rows that go through together: parts of at most `together` of batches of `batch` rows.
  // False where it is short.
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
  sweep(net, call.steps.examples, batch, !clips, prefetch, thread, threads);
  if (clips) {
    const Share rows = share_of(net, batch.rows, thread, threads);
    clip_examples(net, batch, most, rows.begin, rows.end, scratch_of(net, thread));
    if (net.half) pack_error_panels(net, rows.begin, rows.end);
  }
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
  if (rows <= 0 || net.sparse || X.rows * X.columns < 1 << 18) return {};
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
