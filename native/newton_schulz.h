// Newton-Schulz iterations of Y (N × n, n <= N) in the network's own type: Y ← Y Q, Q = a + b S + c S S, S = Y^T Y.
//
//    S = Y^T Y        A and B are micropanels of Y                n × n, in micropanels
//    Q = ... S S      A and B are micropanels of S = S^T          n × n, in micropanels
//    Y ← Y Q          A = Y, B = micropanels of Q                 N × n, in rows and in micropanels
//
// S and Q are symmetric to the last bit: both sums of a pair of elements add the same products in the same order. So
// the blocks on and above the diagonal are computed, and copied to below it.
//
// Contract: threads share the blocks, then the rows; every element is one sum of the micro-kernel, so no bit depends on
// their number. Three barriers an iteration.
#pragma once

#include "gemm.h"
#include "network.h"

namespace {

using chainrule::Team;

inline constexpr double quintic[] = {3.4445, -4.7750, 2.0315};  // a, b, c

// One of several threads that share a matrix Y, whose rows are ld elements apart.
struct Iteration {
  Index n, N, ld, rounds;
  const Team &team;
  int thread, threads;
  void barrier() const { team.barrier(threads); }
};

// Calls f(q, p) for this thread's blocks: `rows` rows of blocks q, each with its columns p from first(q) on.
template <class First, class F>
void each_upper_block(Index rows, Index columns, First first, int thread, int threads, F f) {
  Index all = 0, at = 0;
  for (Index q = 0; q < rows; q++) all += columns - first(q);
  const Index begin = all * thread / threads, end = all * (thread + 1) / threads;
  for (Index q = 0; q < rows; q++)
    for (Index p = first(q); p < columns; p++, at++)
      if (begin <= at && at < end) f(q, p);
}

// The columns of micropanel q of Z (K rows) times micropanel p, to `block`, whose rows are as wide as micropanel p.
template <class T> void multiply_micropanels(const T *Z, Index K, Micropanels panels, Index q, Index p, Index rows,
                                             T *block) {
  constexpr Index VL = lanes<T>;
  const Index lda = panels.NV(q) * VL, NR = panels.NV(p) * VL;
  const T *A = Z + K * panels.first(q) * VL, *B = Z + K * panels.first(p) * VL;
  each_microtile(0, rows, MR(panels.NV(p)), [&](Index i, Index count) {
    const char *later = (const char *)(A + i + ahead * lda);
    const Microtile<T> t{A + i,          lda,     B, NR,    block + i * NR,         NR,  K,
                         Epilogue::None, nullptr, 0, later, lda * Index(sizeof(T)), T(1)};
    kernel_of<Microkernels<T, ColumnStored>>(int(count), panels.NV(p))(t);
  });
}

// Stores block (q, p) of a symmetric matrix in micropanels of n rows, and its transpose where that is below the
// diagonal.
template <class T> void store_symmetric(const T *block, Index n, Micropanels panels, Index q, Index p, Index rows,
                                        T *C) {
  constexpr Index VL = lanes<T>;
  const Index NR = panels.NV(p) * VL, across = panels.NV(q) * VL, row = panels.first(q) * VL,
              column = panels.first(p) * VL;
  T *to = C + n * column + row * NR;
  for (Index i = 0; i < rows * NR; i += VL) store(to + i, load(block + i));
  for (Index i = 0; q < p && i < rows; i += VL)
    for (Index j = 0; j < NR && column + j < n; j += VL)
      transpose_block(block + i * NR + j, NR, rows - i, n - column - j, C + n * row + (column + j) * across + i,
                      across);
}

// C = Z^T Z of micropanels of Z, which has K rows and n columns; finish(q, p, rows, block) changes a block of C first.
template <class T, class Finish>
void multiply_by_itself(const T *Z, Index K, Index n, T *C, int thread, int threads, Finish finish) {
  constexpr Index VL = lanes<T>;
  const Micropanels panels{padded<T>(n) / VL};
  const auto diagonal = [](Index q) { return q; };
  each_upper_block(panels.count(), panels.count(), diagonal, thread, threads, [&](Index q, Index p) {
    alignas(64) T block[9 * VL * VL];
    const Index rows = at_most(panels.NV(q) * VL, n - panels.first(q) * VL);
    multiply_micropanels(Z, K, panels, q, p, rows, block);
    finish(q, p, rows, block);
    store_symmetric(block, n, panels, q, p, rows, C);
  });
}

// Rows row..row+rows-1 of vectors vector..vector+NV-1 of Y, as part of micropanels of N rows.
template <class T> CHAINRULE_INLINE void pack_part(const T *Y, Index ld, Index N, Index row, Index rows, Index vector,
                                                   Index NV, T *panels) {
  const Index at = vector * lanes<T>;
  pack_micropanel(Y + row * ld + at, ld, rows, int(NV), panels + N * at + row * NV * lanes<T>);
}

template <class T> void multiply_by_S(const Orthogonal<T> &o, const Iteration &it) {
  constexpr Index VL = lanes<T>;
  const vec<T> b = broadcast(T(quintic[1])), c = broadcast(T(quintic[2]));
  const Micropanels panels{padded<T>(it.n) / VL};
  multiply_by_itself(o.S, it.n, it.n, o.Q, it.thread, it.threads, [&](Index q, Index p, Index rows, T *block) {
    const Index NR = panels.NV(p) * VL;
    const T *S = o.S + it.n * panels.first(p) * VL + panels.first(q) * VL * NR;
    for (Index i = 0; i < rows * NR; i += VL) store(block + i, fma(c, load(block + i), b * load(S + i)));
    for (Index i = 0; q == p && i < rows; i++) block[i * NR + i] += T(quintic[0]);
  });
}

// Packs this thread's rows of the first Y.
template <class T> void begin_iterations(const Orthogonal<T> &o, const Iteration &it) {
  const Share own(it.N, lanes<T>, it.thread, it.threads);
  const Micropanels panels{padded<T>(it.n) / lanes<T>};
  for (Index p = 0; p < panels.count(); p++)
    pack_part(o.Y, it.ld, it.N, own.begin, own.end - own.begin, panels.first(p), panels.NV(p), o.panels);
  it.barrier();
}

// From Y in o.Y and o.panels; returns where the last one is, o.Y or o.next.
template <class T> const T *iterate(const Orthogonal<T> &o, const Iteration &it) {
  const Share own(it.N, lanes<T>, it.thread, it.threads);
  const Micropanels panels{padded<T>(it.n) / lanes<T>};
  T *Y = o.Y, *next = o.next;
  for (Index round = 0; round < it.rounds; round++) {
    multiply_by_itself(o.panels, it.N, it.n, o.S, it.thread, it.threads, [](Index, Index, Index, T *) {});
    it.barrier();
    multiply_by_S(o, it);
    it.barrier();
    Prefetch none;
    const Product<T> product{Y, it.ld, o.Q, it.n, panels, next, it.ld, Epilogue::None, nullptr, 0};
    if (own.begin < own.end)
      gemm(product, own.begin, own.end, none, [&](Index row, Index rows, Index vector, Index NV) {
        if (round + 1 < it.rounds) pack_part(next, it.ld, it.N, row, rows, vector, NV, o.panels);
      });
    it.barrier();
    T *const last = Y;
    Y = next, next = last;
  }
  return Y;
}

}  // namespace
