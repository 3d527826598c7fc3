// Muon: the momentum of a hidden layer's W, made orthogonal by Newton-Schulz iterations before it moves the weights.
//
//    Y ← M / |M|, on its side unless M has more rows than columns (n <= N)            N × n
//    Y ← Y (a + b S + c S S), S = Y^T Y, several times: newton_schulz.h, half_newton_schulz.h
//
// M is that of one group of neurons (groups.h): networks that lie side by side are trained as if each were alone.
//
// Contract: threads share the columns of Y here; every sum has one order, so no bit depends on their number.
//
// Source: src/chainrule/optimizers/muon.py.
#pragma once

#include "half_newton_schulz.h"
#include "norms.h"

namespace {

// The part of a hidden layer's W that one group has.
struct Submatrix {
  Index k, row, rows, column, columns;
  Index n() const { return rows < columns ? rows : columns; }
  Index N() const { return rows < columns ? columns : rows; }
  bool on_its_side() const { return rows <= columns; }
};

template <class T, class F> void each_submatrix(const Network<T> &net, F f) {
  const Orthogonal<T> &o = net.orthogonal;
  for (Index k = 0; k + 1 < net.layers; k++)
    for (Index g = 0; g < o.groups && !(net.rates && net.rates[k] == 0); g++) {
      const Index *stop = o.stop + g * net.layers + k;
      const Index column = g ? stop[-net.layers] : 0, row = g && k ? stop[-net.layers - 1] : 0;
      const Submatrix block{k, row, (k ? stop[-1] : net.layer[0].in) - row, column, stop[0] - column};
      if (block.n()) f(block);
    }
}

// Calls f(at, NR, first, count) for each piece of columns begin..end-1 that lies in one micropanel: `at` is the place
// of the first of them, column `first`, in row 0; the next row is NR elements further on.
template <class T, class F> CHAINRULE_INLINE void each_piece(const Layer<T> &layer, Index begin, Index end, F f) {
  const Micropanels panels = layer.panels();
  for (Index p = 0; p < panels.count(); p++) {
    const Index NR = panels.NV(p) * lanes<T>, from = panels.first(p) * lanes<T>;
    const Index first = begin > from ? begin : from, last = end < from + NR ? end : from + NR;
    if (first < last) f(layer.panel_at(p) + first - from, NR, first, last - first);
  }
}

// Loads this thread's columns of Y from the collected gradient.
template <class T> void load_columns(const Network<T> &net, const Submatrix &b, const Share &own, Index ld) {
  constexpr Index VL = lanes<T>;
  const Layer<T> &layer = net.layer[b.k];
  T *Y = net.orthogonal.Y;
  const Index begin = b.on_its_side() ? 0 : own.begin, end = b.on_its_side() ? b.columns : own.end;
  each_piece(layer, b.column + begin, b.column + end, [&](Index at, Index NR, Index first, Index count) {
    const T *M = net.gradient + at + b.row * NR;
    const Index column = first - b.column;
    if (b.on_its_side())
      for (Index i = own.begin; i < own.end; i += VL)
        for (Index j = 0; j < count; j += VL)
          transpose_block(M + i * NR + j, NR, own.end - i, count - j, Y + (column + j) * ld + i, ld);
    else
      for (Index i = 0; i < b.rows; i++) copy_numbers(M + i * NR, count, Y + i * ld + column);
  });
  if (own.begin == own.end || own.end < b.n()) return;
  for (Index j = 0; j < b.N(); j++)
    for (Index i = b.n(); i < padded<T>(b.n()); i++) Y[j * ld + i] = 0;
}

// Calls f(j, i) for the vectors of this thread's columns of Y: at row j, column i.
template <class T, class F> CHAINRULE_INLINE void each_vector(Index N, const Share &own, F f) {
  for (Index j = 0; j < N; j++)
    for (Index i = own.begin; i < own.end; i += lanes<T>) f(j, i);
}

// |x|^2 in float64 of the columns of Y from i on, a vector of them; the order is that of `squared`.
template <class T> void squared_columns(const T *Y, Index ld, Index N, Index i, Index columns, double *squares) {
  constexpr Index count = Lanes<T>::count;
  vec<T> lane[count];
  for (Index l = 0; l < count; l++)
    lane[l] = sum_of<vec<T>>((N + count - 1) / count, [&](Index k) {
      const vec<T> y = k * count + l < N ? load(Y + (k * count + l) * ld + i) : vec<T>{};
      return y * y;
    });
  for (Index half = count / 2; half; half /= 2)
    for (Index l = 0; l < half; l++) lane[l] = lane[l] + lane[l + half];
  for (Index c = 0; c < columns; c++) {
    squares[c] = double(lane[0][c]);
    if (squares[c] > 1e-30 && squares[c] < double(number<T>::infinity)) continue;
    squares[c] = 0;
    for (Index j = 0; j < N; j++) squares[c] += double(Y[j * ld + i + c]) * double(Y[j * ld + i + c]);
  }
}

// Y = M / |M|, without overflow; M is in the collected gradient.
template <class T> void load_block(Network<T> &net, const Submatrix &b, const Iteration &it) {
  constexpr Index VL = lanes<T>;
  const Orthogonal<T> &o = net.orthogonal;
  const Share own(it.n, VL, it.thread, it.threads);
  load_columns(net, b, own, it.ld);
  vec<T> size = broadcast(T(1e-30));
  each_vector<T>(it.N, own, [&](Index j, Index i) { size = larger(size, magnitude(load(o.Y + j * it.ld + i))); });
  o.most[it.thread] = largest(size);
  it.barrier();
  T most = 0;
  for (int thread = 0; thread < it.threads; thread++) most = o.most[thread] > most ? o.most[thread] : most;
  each_vector<T>(it.N, own, [&](Index j, Index i) {
    T *y = o.Y + j * it.ld + i;
    store(y, load(y) / broadcast(most));
  });
  for (Index i = own.begin; i < own.end; i += VL)
    squared_columns(o.Y, it.ld, it.N, i, at_most(own.end - i, VL), o.squares + i);
  it.barrier();
  double total = 0;
  for (Index i = 0; i < it.n; i++) total += o.squares[i];
  const vec<T> length = broadcast(T(__builtin_sqrt(total) + 1e-7));
  each_vector<T>(it.N, own, [&](Index j, Index i) {
    T *y = o.Y + j * it.ld + i;
    store(y, load(y) / length);
  });
  it.barrier();
}

// The direction in which W moves, sqrt(max(1, n_out / n_in)) O(M), in place of M; 0 where there is no weight.
template <class T> void store_block(Network<T> &net, const Submatrix &b, const Iteration &it, const T *Y) {
  constexpr Index VL = lanes<T>;
  const double ratio = double(b.columns) / double(b.rows);
  const vec<T> stretch = broadcast(T(ratio > 1 ? __builtin_sqrt(ratio) : 1));
  const Share own(it.n, VL, it.thread, it.threads);
  const Index begin = b.on_its_side() ? 0 : own.begin, end = b.on_its_side() ? b.columns : own.end;
  const auto move = [&](const T *from, Index at, Index count) {
    const vec<T> moved = stretch * load_first(from, count, T(0));
    store_first(net.gradient + at, count,
                net.mask ? from_bits(bits(moved) & bits(load_first(net.mask + at, count, T(0)))) : moved);
  };
  each_piece(net.layer[b.k], b.column + begin, b.column + end, [&](Index at, Index NR, Index first, Index count) {
    const Index column = first - b.column;
    at += b.row * NR;
    if (!b.on_its_side()) {
      for (Index i = 0; i < b.rows; i++)
        for (Index j = 0; j < count; j += VL) move(Y + i * it.ld + column + j, at + i * NR + j, count - j);
      return;
    }
    alignas(64) T square[VL * VL];
    for (Index i = own.begin; i < own.end; i += VL)
      for (Index j = 0; j < count; j += VL) {
        const Index rows = at_most(own.end - i, VL);
        transpose_block(Y + (column + j) * it.ld + i, it.ld, count - j, rows, square, VL);
        for (Index r = 0; r < rows; r++) move(square + r * VL, at + (i + r) * NR + j, count - j);
      }
  });
}

// v ← momentum v + g, and M = momentum v + g (Nesterov) or v in place of the collected g.
template <class T, class Each> void add_momentum(Network<T> &net, Each each_macrotile_of_hidden_layers) {
  const double *p = net.settings.rule.parameter;
  const vec<T> momentum = broadcast(T(p[0])), factor = broadcast(T(net.factor));
  const bool nesterov = p[1] != 0;
  each_macrotile_of_hidden_layers([&](Index begin, Index end) {
    for (Index at = begin; at < end; at += lanes<T>) {
      const vec<T> g = load(net.gradient + at) * factor, v = fma(momentum, load(net.slot[0] + at), g);
      store(net.slot[0] + at, v);
      store(net.gradient + at, nesterov ? fma(momentum, v, g) : v);
    }
  });
}

// Packs the first Y and iterates; returns where the last one is.
template <class T> const T *newton_schulz(const Network<T> &net, const Iteration &it) {
  const Orthogonal<T> &o = net.orthogonal;
  if constexpr (has_half<T>)
    if (net.half) {
      begin_half(*net.half, o, it);
      return half_iterate(*net.half, o, it);
    }
  begin_iterations(o, it);
  return iterate(o, it);
}

// The directions of all hidden layers, in place of their collected gradient.
template <class T> void orthogonalise(Network<T> &net, const Team &team, int thread, int threads) {
  each_submatrix(net, [&](const Submatrix &b) {
    const Index rounds = Index(net.settings.rule.parameter[2]);
    const Iteration it{b.n(), b.N(), row_length<T>(b.n()), rounds, team, thread, threads};
    load_block(net, b, it);
    store_block(net, b, it, newton_schulz(net, it));
    team.barrier(threads);
  });
}

}  // namespace
