// The micro-kernel: one microtile C = A B, M rows by NR columns, accumulated in registers with k ascending.
//
//                      B  ├── NR ──┤         M <= MR       rows of the microtile
//                   k │   │ ░░░░░░ │         NR = NV * VL  columns: NV vectors of VL = lanes<T> elements
//          A   k→     ▼   │ ░░░░░░ │         K             products summed in one element of C
//        ┌ ▒▒▒▒▒▒▒▒ ┐   ┌ M × NR ────┐
//      M │ ▒▒▒▒▒▒▒▒ │   │ registers, │       for every k: one fma an accumulator,
//        └ ▒▒▒▒▒▒▒▒ ┘   └ one C_ij   ┘       C_ij += A_ik B_kj
//
// Order of the elements in memory, as offsets from the pointer (here M = 3; every operand has a leading dimension):
//
//   A, RowStored (rows of a batch:          A, ColumnStored (columns of a batch: the weight gradient;
//   forward and backward)                   a packed micropanel of A is this with lda = MR)
//             k = 0       1       2                   k = 0       1       2
//     i = 0       0       1       2           i = 0       0     lda    2lda
//     i = 1     lda   lda+1   lda+2           i = 1       1   lda+1  2lda+1
//     i = 2    2lda  2lda+1  2lda+2           i = 2       2   lda+2  2lda+2
//
//   B, row-stored; packed: ldb = NR         C, row-stored
//             j = 0       1  ...  NR-1                j = 0       1  ...  NR-1
//     k = 0       0       1  ...  NR-1        i = 0       0       1  ...  NR-1
//     k = 1     ldb   ldb+1  ...              i = 1     ldc   ldc+1  ...
//
// Contract
//
//   shapes      1 <= M <= MR(NV), NV is 1, 2 or 3, K >= 1. There is an instance for every M, so no row is padded and no
//               edge case exists: only columns are padded, to whole vectors.
//   alignment   None beyond that of T: vectors are loaded and stored at any address. Arrays of the core begin at
//               multiples of 64 bytes, which is faster.
//   reads       A: M × K elements, one at a time. B: K rows of NR elements. gate: M rows of NR elements. C is read by
//               update_microkernel (M rows of NR elements, and so are the slots) and where a sum continues. Nothing
//               before the first or past the last of these is read or written. NR elements of each row must exist, also
//               where the matrix has fewer columns: panels.h and network.h pad rows to whole vectors.
//   aliasing    C overlaps neither A nor B (other microtiles still read them) nor gate. The slots of update_microkernel
//               overlap nothing that its rule reads or writes.
//   prefetch    Any address and step, also of memory that does not exist: a hint for one cache line is given for
//               each k, at prefetch + k * prefetch_step, and never faults. Large microtiles also ask for B, some steps
//               ahead, and beyond its end; a kernel with Arrays asks for these first.
//   scale       The gradient is a mean: its finished sum is multiplied by 1 / m, so that a sum that is exactly 0 stays
//               0. Forward and backward have no scale.
//   order       A sum of more than KC products is cut into blocks of KC, which are added in order: rounding errors grow
//               with KC + K / KC in place of K. M, NV, packing and threads cut no sum, so no bit depends on them.
//   error       |C_ij - exact| <= (KC + K / KC) eps Σ_k |A_ik| |B_kj|, to first order in eps.
//   registers   M NV accumulators, NV of B and one of A; MR says how many rows that leaves.
//
// Source: Goto & van de Geijn, Anatomy of high-performance matrix multiplication, ACM TOMS 34, 2008; the letters are
// those of Van Zee & van de Geijn, BLIS: a framework for rapidly instantiating BLAS functionality, ACM TOMS 41, 2015.
#pragma once

#include "simd.h"

namespace {

inline constexpr Index KC = 512;  // products in one unbroken sum: part of what fixes the bits
inline constexpr Index MC = 96;  // rows of weights updated together: a multiple of every MR and of every VL

// Most rows of a microtile of NV vectors: what the registers hold.
constexpr int MR(int NV) { return vector_registers == 32 ? (NV == 3 ? 8 : 12) : (NV == 3 ? 4 : NV == 2 ? 6 : 12); }

// Every accumulator of a microtile, unrolled.
#define EACH(i, v) \
  _Pragma("GCC unroll 16") for (int i = 0; i < M; i++) _Pragma("GCC unroll 16") for (int v = 0; v < NV; v++)

enum Storage { RowStored, ColumnStored };

// What happens to a microtile between the last product and the store.
enum class Epilogue {
  None,  // C = AB
  Relu,  // C = max(0, AB): forward
  ReluGate,  // C = AB where gate > 0, else 0: backward, relu'
};

// Arrays that are prefetched one after the other, `step` bytes with each k.
struct Arrays {
  int count = 0;
  const char *at[4];
  Index left[4], step = 1;  // bytes

  template <class T> CHAINRULE_INLINE void add(const T *array, Index elements) {
    if (!array || elements <= 0) return;
    at[count] = (const char *)array, left[count++] = elements * Index(sizeof(T));
  }
  // Spreads them over most of K products: what was asked for last needs time to come.
  CHAINRULE_INLINE void spread(Index K) {
    Index bytes = 0;
    for (int i = 0; i < count; i++) bytes += left[i];
    step = bytes * 9 / 8 / K + 1;
  }
};

template <class T> struct Microtile {
  const T *A;
  Index lda;
  const T *B;
  Index ldb;
  T *C;
  Index ldc;
  Index K;
  Epilogue epilogue;
  const T *gate;  // of ReluGate: laid out like C
  Index ldg;
  const char *prefetch;
  Index prefetch_step;
  T scale;  // of ColumnStored: C = scale AB
  bool continues = false;  // of RowStored: C has the sum of the blocks before, and K is one block
  const Arrays *arrays = nullptr;  // that a kernel with Arrays prefetches besides
};

// How many steps of k ahead a large microtile asks for B, which streams from L2. With 16 registers nothing is gained.
inline constexpr Index ahead = 8;
template <int M, int NV> inline constexpr bool is_large = vector_registers == 32 && M * NV >= 16;

// accumulator += A B for K products, one unbroken sum; A and B move past them. Rows of A in place are reached from
// every fourth of them, which takes fewer registers than a pointer to each; the empty asm keeps the compiler from
// making one of each again.
template <class T, Storage storage, int M, int NV>
CHAINRULE_INLINE void add_products(const T *&A, Index lda, const T *&B, Index ldb, Index K, const char *&prefetch,
                                   Index prefetch_step, vec<T> (&accumulator)[M][NV]) {
  constexpr int VL = lanes<T>, bases = storage == RowStored ? (M + 3) / 4 : 1, line = 64 / vector_bytes;
  const T *base[bases];
  for (int i = 0; i < bases; i++) base[i] = A + 4 * i * lda;
#pragma GCC unroll 2
  for (Index k = 0; k < K; k++) {
    vec<T> b[NV];
#pragma GCC unroll 16
    for (int v = 0; v < NV; v++) {
      b[v] = load(B + v * VL);
      if (is_large<M, NV> && v % line == 0) __builtin_prefetch(B + v * VL + ahead * ldb);
    }
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
      vec<T> a = broadcast(storage == RowStored ? base[i / 4][i % 4 * lda] : base[0][i]);
#pragma GCC unroll 16
      for (int v = 0; v < NV; v++) accumulator[i][v] = fma(a, b[v], accumulator[i][v]);
    }
    B += ldb;
#pragma GCC unroll 16
    for (int i = 0; i < bases; i++) {
      base[i] += storage == RowStored ? 1 : lda;
      if constexpr (vector_registers == 32) asm("" : "+r"(base[i]));
    }
    __builtin_prefetch(prefetch, 0, 2);
    prefetch += prefetch_step;
  }
  A = base[0];
}

// accumulator = A B, block after block of KC. (g++ 12 does not see that `partial` is written before it is read.)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
template <class T, Storage storage, int M, int NV, bool with_arrays = false>
CHAINRULE_INLINE void accumulate(const Microtile<T> &t, vec<T> (&accumulator)[M][NV]) {
  constexpr int VL = lanes<T>;
  alignas(64) T partial[M][NV * VL];
  const T *A = t.A, *B = t.B;
  const char *prefetch = t.prefetch;
  Arrays arrays;
  int array = 0;
  if constexpr (with_arrays) arrays = *t.arrays;
  for (Index left = t.K;; left -= KC) {
    Index block = left < KC ? left : KC;
    EACH (i, v) accumulator[i][v] = vec<T>{};
    if constexpr (with_arrays)
      while (array < arrays.count && block) {
        const Index wanted = arrays.left[array] / arrays.step + 1, own = wanted < block ? wanted : block;
        add_products<T, storage, M, NV>(A, t.lda, B, t.ldb, own, arrays.at[array], arrays.step, accumulator);
        block -= own, arrays.left[array] -= own * arrays.step;
        if (own == wanted) array++;
      }
    add_products<T, storage, M, NV>(A, t.lda, B, t.ldb, block, prefetch, t.prefetch_step, accumulator);
    if (left < t.K)
      EACH (i, v) accumulator[i][v] = load(&partial[i][v * VL]) + accumulator[i][v];
    if (left <= KC) return;
    EACH (i, v) store(&partial[i][v * VL], accumulator[i][v]);
  }
}
#pragma GCC diagnostic pop

template <class T, Storage storage, int M, int NV, bool with_arrays = false> void microkernel(const Microtile<T> &t) {
  constexpr int VL = lanes<T>;
  vec<T> accumulator[M][NV];
  accumulate<T, storage, M, NV, with_arrays>(t, accumulator);
  if constexpr (storage == ColumnStored)
    EACH (i, v) accumulator[i][v] = accumulator[i][v] * broadcast(t.scale);
  else if (t.continues)
    EACH (i, v) accumulator[i][v] = load(t.C + i * t.ldc + v * VL) + accumulator[i][v];
  const vec<T> zero{};
  switch (t.epilogue) {
    case Epilogue::None:
      EACH (i, v) store(t.C + i * t.ldc + v * VL, accumulator[i][v]);
      break;
    case Epilogue::Relu:
      EACH (i, v) store(t.C + i * t.ldc + v * VL, accumulator[i][v] > zero ? accumulator[i][v] : zero);
      break;
    case Epilogue::ReluGate:
      EACH (i, v) {
        const vec<T> gate = load(t.gate + i * t.ldg + v * VL);
        store(t.C + i * t.ldc + v * VL, gate > zero ? accumulator[i][v] : zero);
      }
      break;
  }
}

// The epilogue of BP4: the gradient scale A B, still in registers, moves the weights C by a rule whose slots are laid
// out like C.
template <class T, class Rule, int M, int NV>
void update_microkernel(const Microtile<T> &t, const Rule &rule, T *slot_0, T *slot_1) {
  constexpr int VL = lanes<T>;
  vec<T> gradient[M][NV];
  accumulate<T, ColumnStored, M, NV>(t, gradient);
  EACH (i, v) {
    const Index at = i * t.ldc + v * VL;
    store(t.C + at, rule(gradient[i][v] * broadcast(t.scale), load(t.C + at), slot_0 + at, slot_1 + at));
  }
}
#undef EACH

// The instance Kernels::of<M, NV>() for a microtile of M rows and NV vectors.
template <class Kernels, int NV, int... M> CHAINRULE_INLINE auto kernel_of(int rows, Numbers<M...>) {
  static constexpr decltype(Kernels::template of<1, NV>()) instance[] = {Kernels::template of<M + 1, NV>()...};
  return instance[rows - 1];
}
template <class Kernels> CHAINRULE_INLINE auto kernel_of(int M, int NV) {
  switch (NV) {
    case 1: return kernel_of<Kernels, 1>(M, UpTo<MR(1)>{});
    case 2: return kernel_of<Kernels, 2>(M, UpTo<MR(2)>{});
    default: return kernel_of<Kernels, 3>(M, UpTo<MR(3)>{});
  }
}

template <class T, Storage storage> struct Microkernels {
  template <int M, int NV> static constexpr auto of() { return &microkernel<T, storage, M, NV>; }
};
// Those of the gradient with Arrays; a small microtile asks for none.
template <class T> struct ArrayMicrokernels {
  template <int M, int NV> static constexpr auto of() { return &microkernel<T, ColumnStored, M, NV, is_large<M, NV>>; }
};
template <class T, class Rule> struct UpdateMicrokernels {
  template <int M, int NV> static constexpr auto of() { return &update_microkernel<T, Rule, M, NV>; }
};

}  // namespace
