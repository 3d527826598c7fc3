// The second phase of an update: the gradients of macrotiles of weights, which move them at once, or are collected in
// memory first; see train.h.
#pragma once

#include "ledger.h"
#include "length.h"
#include "norms.h"
#include "orthogonal.h"

namespace {

template <class T> CHAINRULE_INLINE T *scratch_of(Network<T> &net, int thread) {
  return net.scratch + thread * net.scratch_piece;
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

// What is prefetched during the gradient of rows row..row+rows-1 of a macrotile: what it moves, and their share of the
// next micropanel of errors where that comes from beyond L2.
template <class T>
CHAINRULE_INLINE Arrays arrays_of(const Microtile<T> &t, const Macrotile &tile, const Weights<T> &moved, Index row) {
  Arrays arrays;
  const Index elements = moved.rows * moved.ld;
  arrays.add(moved.w, elements), arrays.add(moved.slot_0, elements), arrays.add(moved.slot_1, elements);
  const Index panel = t.K * t.ldb, all = tile.end - tile.begin;
  if (panel * Index(sizeof(T)) > 1 << 16)
    arrays.add(t.B + panel + panel * (row - tile.begin) / all, panel * moved.rows / all);
  arrays.spread(t.K);
  return arrays;
}

// The same, of weights that are larger than the cache.
template <class T>
CHAINRULE_INLINE void large_gradient_microtile(Microtile<T> &t, const Macrotile &tile, const Weights<T> &moved,
                                               Index row, int NV) {
  const Arrays arrays = arrays_of(t, tile, moved, row);
  t.arrays = &arrays;
  kernel_of<ArrayMicrokernels<T>>(int(moved.rows), NV)(t);
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
  const bool large = !sparse && call.factors.m >= 32 && net.elements * Index(sizeof(T)) > 1 << 19;
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
                        if (large)
                          large_gradient_microtile(t, tile, moved, row, NV);
                        else
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

}  // namespace
