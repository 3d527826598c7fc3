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

// The columns of row i of a layer's mask where there is a weight, ascending, to `place`; returns their number.
template <class T> Index places_of(const Network<T> &net, const Layer<T> &layer, Index i, int32_t *place) {
  const Micropanels panels = layer.panels();
  Index count = 0;
  for (Index p = 0; p < panels.count(); p++) {
    const Index NR = panels.NV(p) * lanes<T>, from = panels.first(p) * lanes<T>;
    const auto *mask = (const typename simd<T>::integer *)(net.mask + layer.panel_at(p) + i * NR);
    for (Index j = 0; j < NR; j++) {
      place[count] = int32_t(from + j);
      count += mask[j] != 0;
    }
  }
  return count;
}

// Column i of rows r..r+rows-1, as doubles; 0 in the lanes beyond.
template <class T>
CHAINRULE_INLINE void column_of(const T *A, Index ld, Index i, Index rows, double (&column)[masked_rows]) {
  for (Index q = 0; q < masked_rows; q++) column[q] = q < rows ? double(A[q * ld + i]) : 0;
}

// Adds sum over i of a_i^2 |M_i delta|^2 of layer k to the totals of rows r..r+rows-1, at most masked_rows: a lane is a
// row, so that each row has the order of one alone. `scratch` has masked_scratch elements.
template <class T> void add_masked(const Network<T> &net, Index k, Index r, Index rows, T *scratch, double *total) {
  constexpr Index V = masked_vectors, VL = lanes<double>;
  const Layer<T> &layer = net.layer[k];
  const Neurons<T> &from = net.neurons[k], &to = net.neurons[k + 1];
  double *squares = (double *)scratch;
  int32_t *place = (int32_t *)(squares + masked_rows * to.n);
  double column[masked_rows];
  for (Index j = 0; j < to.n; j++) {
    column_of(to.delta + r * to.ld, to.ld, j, rows, column);
    for (Index q = 0; q < masked_rows; q++) squares[j * masked_rows + q] = column[q] * column[q];
  }
  f64v sums[V];
  for (Index v = 0; v < V; v++) sums[v] = load(total + v * VL);
  for (Index i = 0; i < layer.rows(); i++) {
    f64v length[V] = {};
    const Index count = places_of(net, layer, i, place);
    for (Index c = 0; c < count; c++)
      for (Index v = 0; v < V; v++) length[v] = length[v] + load(squares + place[c] * masked_rows + v * VL);
    column_of(from.A + r * from.ld, from.ld, i, rows, column);
    for (Index v = 0; v < V; v++) {
      const f64v a = load(column + v * VL);
      sums[v] = sums[v] + a * a * length[v];
    }
  }
  for (Index v = 0; v < V; v++) store(total + v * VL, sums[v]);
}

// |dC_x/dtheta|^2 of rows r..r+rows-1 under masks.
template <class T>
void masked_norms(const Network<T> &net, const Batch &batch, Index r, Index rows, T *scratch, double *total) {
  for (Index q = 0; q < masked_rows; q++) total[q] = 0;
  for (Index k = 0; k < net.layers; k++)
    if (k || !net.sparse)
      add_masked(net, k, r, rows, scratch, total);
    else
      for (Index q = 0; q < rows; q++)
        each_entry(*net.sparse, batch.row(r + q), [&](Index i, double x) {
          const Neurons<T> &to = net.neurons[1];
          total[q] += x * x * squared_under_mask(net, 0, i, to.delta + (r + q) * to.ld);
        });
}

// |dC_x/dtheta|^2 of row r of the batch, which is row `row` of X, without masks.
template <class T> double squared_norm(const Network<T> &net, Index r, Index row) {
  double total = 0;
  for (Index k = 0; k < net.layers; k++) {
    const Neurons<T> &from = net.neurons[k], &to = net.neurons[k + 1];
    const double whole = squared(to.delta + r * to.ld, to.n);
    if (k == 0 && net.sparse)
      each_entry(*net.sparse, row, [&](Index, double x) { total += x * x * whole; });
    else
      total += squared(from.A + r * from.ld, from.n + 1) * whole;
  }
  return total;
}

// Calls f(r, |dC_x/dtheta|^2) for rows begin..end-1 of the batch.
template <class T, class F>
CHAINRULE_INLINE void each_squared_norm(const Network<T> &net, const Batch &batch, Index begin, Index end, T *scratch,
                                        F f) {
  alignas(64) double total[masked_rows];
  for (Index r = begin; r < end; r += net.mask ? masked_rows : 1) {
    if (!net.mask) {
      f(r, squared_norm(net, r, batch.row(r)));
      continue;
    }
    const Index rows = end - r < masked_rows ? end - r : masked_rows;
    masked_norms(net, batch, r, rows, scratch, total);
    for (Index q = 0; q < rows; q++) f(r + q, total[q]);
  }
}

// Scales every example's delta so that its gradient is at most `most` long, then by its weight s.
template <class T>
void clip_examples(Network<T> &net, const Batch &batch, double most, Index begin, Index end, T *scratch) {
  each_squared_norm(net, batch, begin, end, scratch, [&](Index r, double square) {
    const double length = __builtin_sqrt(square);
    const vec<T> scale = broadcast(T(net.row_weight[r] * (length > most ? most / length : 1)));
    for (Index k = 1; k <= net.layers; k++) {
      Neurons<T> &x = net.neurons[k];
      for (Index j = 0; j < x.n; j += lanes<T>) store(x.delta + r * x.ld + j, load(x.delta + r * x.ld + j) * scale);
    }
  });
}

}  // namespace
