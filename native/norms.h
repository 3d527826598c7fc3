// The length of each example's own gradient, without forming it, and clipping by it.
//
//    |dC_x/dW̃|^2 = |[a, 1]|^2 |delta|^2        without masks; with a mask M  sum over i of a_i^2 |M_i delta|^2
//
// Source: Goodfellow, Efficient per-example gradient computations, arXiv:1510.01799, 2015.
#pragma once

#include "passes.h"

namespace {

// |x|^2 in float64.
template <class T> double squared(const T *x, Index n) {
  double total = sum_along<T>(n, [&](Index j) {
    vec<T> v = load(x + j);
    if (n - j < lanes<T>) v = first_lanes<T>(n - j) ? v : vec<T>{};
    return v * v;
  });
  if (total > 1e-30 && total < double(number<T>::infinity)) return total;
  total = 0;  // squares overflowed or vanished, or there is a NaN
  for (Index j = 0; j < n; j++) total += double(x[j]) * double(x[j]);
  return total;
}

// |M_i delta|^2 for row i of a layer's mask M, j ascending, so that its order does not depend on the micropanels.
template <class T> double squared_under_mask(const Network<T> &net, Index k, Index i, const T *delta) {
  const Layer<T> &layer = net.layer[k];
  const Micropanels panels = layer.panels();
  double sum = 0;
  for (Index p = 0; p < panels.count(); p++) {
    const T *mask = net.mask + layer.panel_at(p) + i * panels.NV(p) * lanes<T>;
    for (int v = 0; v < panels.NV(p); v++, mask += lanes<T>) {
      const vec<T> d = from_bits(bits(load(delta + (panels.first(p) + v) * lanes<T>)) & bits(load(mask)));
      for (int j = 0; j < lanes<T>; j++) sum += double(d[j]) * double(d[j]);
    }
  }
  return sum;
}

// Calls f(i, x) for every entry of a row of a sparse X, and for the 1 that the biases see.
template <class F> CHAINRULE_INLINE void each_entry(const Matrix &X, Index row, F f) {
  with_values(X, [&](const auto *values) {
    for (Index e = Index(X.offsets[row]); e < Index(X.offsets[row + 1]); e++) f(Index(X.places[e]), double(values[e]));
  });
  f(X.columns, 1.0);
}

// |dC_x/dtheta|^2 of row r of the batch, which is row `row` of X.
template <class T> double squared_norm(const Network<T> &net, Index r, Index row) {
  double total = 0;
  for (Index k = 0; k < net.layers; k++) {
    const Neurons<T> &from = net.neurons[k], &to = net.neurons[k + 1];
    const T *a = from.A + r * from.ld, *delta = to.delta + r * to.ld;
    const double whole = net.mask ? 0 : squared(delta, to.n);
    const auto add = [&](Index i, double x) {
      total += x * x * (net.mask ? squared_under_mask(net, k, i, delta) : whole);
    };
    if (k == 0 && net.sparse)
      each_entry(*net.sparse, row, add);
    else if (net.mask)
      for (Index i = 0; i <= from.n; i++) add(i, double(a[i]));
    else
      total += squared(a, from.n + 1) * whole;
  }
  return total;
}

// Scales every example's delta so that its gradient is at most `most` long, then by its weight s.
template <class T>
void clip_examples(Network<T> &net, const Batch &batch, double most, Index begin, Index end) {
  for (Index r = begin; r < end; r++) {
    const double length = __builtin_sqrt(squared_norm(net, r, batch.row(r)));
    const vec<T> scale = broadcast(T(net.row_weight[r] * (length > most ? most / length : 1)));
    for (Index k = 1; k <= net.layers; k++) {
      Neurons<T> &x = net.neurons[k];
      for (Index j = 0; j < x.n; j += lanes<T>) store(x.delta + r * x.ld + j, load(x.delta + r * x.ld + j) * scale);
    }
  }
}

}  // namespace
