// The one matrix-product kernel: a tile of C = A B of R rows by V vectors, k ascending in one accumulator an element.
//
//   A(i, k)   Rows:     A[i * lda + k]   rows of a batch (forward, backward)
//             Columns:  A[k * lda + i]   columns of a batch (the weight gradient), or packed rows (lda = R)
//   B         B[k * ldb ..], V vectors from each row k: a panel of weights or of deltas
//   C         C[i * ldc ..], V vectors in each row i
//
//                      B  ├ V vectors ┤
//                   k │   │ ░░░░░░░░░ │
//          A   k→     ▼   │ ░░░░░░░░░ │
//        ┌ ▒▒▒▒▒▒▒▒ ┐   ┌ R × V vectors ┐
//      R │ ▒▒▒▒▒▒▒▒ │   │ accumulators  │   one fma each for every k
//        └ ▒▒▒▒▒▒▒▒ ┘   └ in registers  ┘
//
// A sum over more than `block` products is cut into blocks of that many, added in order, so that rounding errors grow
// with block + K / block and not with K. Tiles, packing and threads cut no sum, so that no bit depends on them.
// Error of an element: at most (block + K / block) eps Σ|a||b|.
//
// Bound: R V accumulators, V of B and one of A must fit the registers; `most_rows` says what does.
// Source: Goto & van de Geijn, Anatomy of high-performance matrix multiplication, ACM TOMS 34, 2008.
#pragma once

#include "simd.h"

namespace {

inline constexpr Index block = 512;     // products in one unbroken sum; part of what fixes the bits

// The most rows of a tile of V vectors that the registers hold; every number divides `stripe`.
constexpr int most_rows(int V) { return vector_registers == 32 ? (V == 3 ? 8 : 12) : (V == 3 ? 4 : V == 2 ? 6 : 12); }
inline constexpr Index stripe = 96;  // rows of weights updated together: whole tiles, and whole vectors when transposed

// Every accumulator of a tile, unrolled.
#define EACH(i, v) \
  _Pragma("GCC unroll 16") for (int i = 0; i < R; i++) _Pragma("GCC unroll 16") for (int v = 0; v < V; v++)

enum Order { Rows, Columns };

// What happens to a finished tile before it is stored.
enum Finish : int {
  Store,  // C = AB
  Rectify,  // C = max(0, AB): relu in the forward epilogue
  Gate,  // C = AB where kept > 0, else 0: relu' in the backward epilogue
};

template <class T> struct Tile {
  const T *A;
  Index lda;
  const T *B;
  Index ldb;
  T *C;
  Index ldc;
  Index K;
  Finish finish;
  const T *kept;  // for Gate: laid out like C, ld_kept
  Index ld_kept;
  const char *ahead;  // what to bring towards the cache meanwhile, `step` bytes further for every k
  Index step;
};

template <class T, Order order, int R, int V> CHAINRULE_INLINE void products(const T *A, Index lda, const T *B,
                                                                             Index ldb, Index K, const char *&ahead,
                                                                             Index step, vec<T> (&sum)[R][V]) {
  constexpr int W = lanes<T>;
  EACH (i, v) sum[i][v] = vec<T>{};
  const T *row[R];
  for (int i = 0; i < R; i++) row[i] = A + i * lda;
#pragma GCC unroll 2
  for (Index k = 0; k < K; k++) {
    vec<T> b[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; v++) b[v] = load(B + v * W);
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
      vec<T> a = broadcast(order == Rows ? row[i][k] : A[i]);
#pragma GCC unroll 16
      for (int v = 0; v < V; v++) sum[i][v] = fma(a, b[v], sum[i][v]);
    }
    B += ldb;
    if (order == Columns) A += lda;
    __builtin_prefetch(ahead, 0, 2);
    ahead += step;
  }
}

// AB in the accumulators, block after block. (g++ 12 does not see that `partial` is written before it is read.)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
template <class T, Order order, int R, int V> CHAINRULE_INLINE void product(const Tile<T> &t, vec<T> (&sum)[R][V]) {
  constexpr int W = lanes<T>;
  alignas(64) T partial[R][V * W];
  const T *A = t.A, *B = t.B;
  const char *ahead = t.ahead;
  for (Index left = t.K;; left -= block) {
    products<T, order, R, V>(A, t.lda, B, t.ldb, left < block ? left : block, ahead, t.step, sum);
    if (left < t.K)
      EACH (i, v) sum[i][v] = load(&partial[i][v * W]) + sum[i][v];
    if (left <= block) return;
    EACH (i, v) store(&partial[i][v * W], sum[i][v]);
    A += order == Rows ? block : block * t.lda;
    B += block * t.ldb;
  }
}
#pragma GCC diagnostic pop

template <class T, Order order, int R, int V> void kernel(const Tile<T> &t) {
  constexpr int W = lanes<T>;
  vec<T> sum[R][V];
  product<T, order, R, V>(t, sum);
  const vec<T> zero{};
  switch (t.finish) {
    case Store:
      EACH (i, v) store(t.C + i * t.ldc + v * W, sum[i][v]);
      break;
    case Rectify:
      EACH (i, v) store(t.C + i * t.ldc + v * W, sum[i][v] > zero ? sum[i][v] : zero);
      break;
    case Gate:
      EACH (i, v) store(t.C + i * t.ldc + v * W, load(t.kept + i * t.ld_kept + v * W) > zero ? sum[i][v] : zero);
      break;
  }
}
// BP4's epilogue in registers: the gradient AB moves the weights C by a rule whose slots lie like C.
template <class T, class Rule, int R, int V> void moving_kernel(const Tile<T> &t, const Rule &rule, T *first,
                                                                T *second) {
  constexpr int W = lanes<T>;
  vec<T> sum[R][V];
  product<T, Columns, R, V>(t, sum);
  EACH (i, v) {
    const Index at = i * t.ldc + v * W;
    store(t.C + at, rule(sum[i][v], load(t.C + at), first + at, second + at));
  }
}
#undef EACH

// found<R, V>() for a tile of `rows` rows, at most most_rows(V), and V = `vectors`.
template <class Found, int V, int... R> CHAINRULE_INLINE auto pick(int rows, Numbers<R...>) {
  static constexpr decltype(Found::template of<1, V>()) found[] = {Found::template of<R + 1, V>()...};
  return found[rows - 1];
}
template <class Found> CHAINRULE_INLINE auto pick(int rows, int vectors) {
  switch (vectors) {
    case 1: return pick<Found, 1>(rows, UpTo<most_rows(1)>{});
    case 2: return pick<Found, 2>(rows, UpTo<most_rows(2)>{});
    default: return pick<Found, 3>(rows, UpTo<most_rows(3)>{});
  }
}

template <class T, Order order> struct Kernels {
  template <int R, int V> static constexpr auto of() { return &kernel<T, order, R, V>; }
};
template <class T, class Rule> struct MovingKernels {
  template <int R, int V> static constexpr auto of() { return &moving_kernel<T, Rule, R, V>; }
};

}  // namespace
