// Muon: the momentum of a hidden layer's W, made orthogonal by Newton-Schulz iterations before it moves the weights.
//
//    X ← M / |M|, on its side if M has more rows than columns (n <= N)             n × N
//    S = X X^T      A = X, B = micropanels of X^T                                  n × n
//    Q = a + b S + c S S      A = S, B = micropanels of S                          n × n
//    X ← Q X        A = Q, B = micropanels of X                                    n × N
//
// M is that of one group of neurons (groups.h): networks that lie side by side are trained as if each were alone.
//
// Contract: threads share the rows of X; every element is one sum of the micro-kernel, so no bit depends on their
// number. Three barriers an iteration.
//
// Source: src/chainrule/optimizers/muon.py.
#pragma once

#include "norms.h"

namespace {

using chainrule::Team;

// The part of a hidden layer's W that one group has.
struct Submatrix {
  Index k, row, rows, column, columns;
  Index n() const { return rows < columns ? rows : columns; }
  Index N() const { return rows < columns ? columns : rows; }
  bool wide() const { return rows <= columns; }
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

// Rows begin..end-1 of X, whole vectors of them for each thread.
template <class T> struct OwnRows {
  Index begin, end;
  OwnRows(Index n, int thread, int threads) {
    const Index vectors = padded<T>(n) / lanes<T>;
    begin = vectors * thread / threads * lanes<T>, end = vectors * (thread + 1) / threads * lanes<T>;
    if (begin > n) begin = n;
    if (end > n) end = n;
  }
};

// Copies the thread's rows of X between the packed weights and X: f(element of the weights, element of X).
template <class T, class F>
void each_element(const Network<T> &net, const Submatrix &b, const OwnRows<T> &own, Index ld, F f) {
  const Layer<T> &layer = net.layer[b.k];
  const Index from = b.wide() ? 0 : own.begin, to = b.wide() ? b.columns : own.end;
  each_piece(layer, b.column + from, b.column + to, [&](Index at, Index NR, Index first, Index count) {
    const Index column = first - b.column;
    if (b.wide())
      for (Index i = own.begin; i < own.end; i++)
        for (Index j = 0; j < count; j++) f(at + (b.row + i) * NR + j, i * ld + column + j);
    else
      for (Index j = 0; j < count; j++)
        for (Index i = 0; i < b.rows; i++) f(at + (b.row + i) * NR + j, (column + j) * ld + i);
  });
}

// Packs rows begin..end-1 of B, which has K rows of `width` elements, into micropanels.
template <class T> void pack_rows(const T *B, Index ld, Index K, Index width, Index begin, Index end, T *to) {
  const Micropanels panels{padded<T>(width) / lanes<T>};
  for (Index p = 0; p < panels.count(); p++) {
    const Index at = panels.first(p) * lanes<T>, NR = panels.NV(p) * lanes<T>;
    for (Index i = begin; i < end; i++) copy_numbers(B + i * ld + at, NR, to + K * at + i * NR);
  }
}

// Packs rows begin..end-1 of X (n × N) as columns of micropanels of X^T.
template <class T> void pack_transposed(const T *X, Index ld, Index n, Index N, Index begin, Index end, T *to) {
  constexpr int VL = lanes<T>;
  const Micropanels panels{padded<T>(n) / VL};
  for (Index i = begin; i < end; i += VL) {
    const Index p = panels.containing(i / VL), NR = panels.NV(p) * VL;
    T *column = to + N * panels.first(p) * VL + i - panels.first(p) * VL;
    for (Index j = 0; j < N; j += VL) transpose_block(X + i * ld + j, ld, n - i, N - j, column + j * NR, NR);
  }
}

// Rows begin..end-1 of C = A B, with B in micropanels of K rows.
template <class T>
void multiply(const T *A, Index lda, const T *B, Index K, Index width, T *C, Index ldc, const OwnRows<T> &own) {
  Prefetch none;
  const Product<T> product{A, lda, B, K, {padded<T>(width) / lanes<T>}, C, ldc, Epilogue::None, nullptr, 0};
  if (own.begin < own.end) gemm(product, own.begin, own.end, none, [](Index, Index, Index, Index) {});
}

// X = M / |M|, without overflow; M is in the collected gradient.
template <class T>
void load_block(Network<T> &net, const Submatrix &b, const OwnRows<T> &own, Index ld, const Team &team, int threads) {
  Orthogonal<T> &o = net.orthogonal;
  const Index n = b.n(), N = b.N();
  for (Index i = own.begin; i < own.end; i++)
    for (Index j = N; j < ld; j++) o.X[i * ld + j] = 0;
  each_element(net, b, own, ld, [&](Index weight, Index x) { o.X[x] = net.gradient[weight]; });
  for (Index i = own.begin; i < own.end; i++) {
    double most = 1e-30;
    for (Index j = 0; j < N; j++) {
      const double size = __builtin_fabs(double(o.X[i * ld + j]));
      if (!(size <= most)) most = size;  // NaN too
    }
    o.most[i] = most;
  }
  team.barrier(threads);
  double most = 0, total = 0;
  for (Index i = 0; i < n; i++)
    if (!(o.most[i] <= most)) most = o.most[i];
  for (Index i = own.begin; i < own.end; i++) {
    T *x = o.X + i * ld;
    for (Index j = 0; j < N; j += lanes<T>) store(x + j, load(x + j) / broadcast(T(most)));
    o.squares[i] = squared(x, N);
  }
  team.barrier(threads);
  for (Index i = 0; i < n; i++) total += o.squares[i];
  const vec<T> length = broadcast(T(__builtin_sqrt(total) + 1e-7));
  for (Index i = own.begin; i < own.end; i++)
    for (Index j = 0; j < N; j += lanes<T>) store(o.X + i * ld + j, load(o.X + i * ld + j) / length);
}

template <class T>
void newton_schulz(Network<T> &net, const Submatrix &b, const OwnRows<T> &own, Index ld, const Team &team,
                   int threads) {
  const Orthogonal<T> &o = net.orthogonal;
  const Index n = b.n(), N = b.N(), side = padded<T>(n);
  const vec<T> first = broadcast(T(-4.7750)), second = broadcast(T(2.0315));
  for (Index round = 0; round < Index(net.settings.rule.parameter[2]); round++) {
    pack_transposed(o.X, ld, n, N, own.begin, own.end, o.transposed);
    pack_rows(o.X, ld, n, N, own.begin, own.end, o.packed);
    team.barrier(threads);
    multiply(o.X, ld, o.transposed, N, n, o.S, side, own);
    pack_rows(o.S, side, n, n, own.begin, own.end, o.packed_S);
    team.barrier(threads);
    multiply(o.S, side, o.packed_S, n, n, o.Q, side, own);
    for (Index i = own.begin; i < own.end; i++) {
      T *q = o.Q + i * side;
      const T *s = o.S + i * side;
      for (Index j = 0; j < side; j += lanes<T>) store(q + j, fma(second, load(q + j), first * load(s + j)));
      q[i] += T(3.4445);
    }
    multiply(o.Q, side, o.packed, n, N, o.X, ld, own);
    team.barrier(threads);
  }
}

// The direction in which W moves, sqrt(max(1, n_out / n_in)) O(M), in place of M; 0 where there is no weight.
template <class T> void store_block(Network<T> &net, const Submatrix &b, const OwnRows<T> &own, Index ld) {
  const double ratio = double(b.columns) / double(b.rows);
  const T stretch = T(ratio > 1 ? __builtin_sqrt(ratio) : 1);
  const T *X = net.orthogonal.X;
  using Bits = typename simd<T>::integer;
  const Bits *mask = (const Bits *)net.mask;
  each_element(net, b, own, ld,
               [&](Index weight, Index x) { net.gradient[weight] = mask && !mask[weight] ? T(0) : stretch * X[x]; });
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

// The directions of all hidden layers, in place of their collected gradient.
template <class T> void orthogonalise(Network<T> &net, const Team &team, int thread, int threads) {
  each_submatrix(net, [&](const Submatrix &b) {
    const OwnRows<T> own(b.n(), thread, threads);
    const Index ld = padded<T>(b.N());
    load_block(net, b, own, ld, team, threads);
    newton_schulz(net, b, own, ld, team, threads);
    store_block(net, b, own, ld);
    team.barrier(threads);
  });
}

}  // namespace
