// The macro-kernel: which microtiles cover C = A B, what is packed before them, what is prefetched during them.
//
//                                     M × N × K                      A               B
//   forward    Z = [A, 1] W̃           rows × n_out × (n_in + 1)      row-stored      micropanels of W̃, always packed
//   backward   G = delta W^T          rows × n_in × n_out            row-stored      micropanels of W^T, always packed
//   gradient   dW̃ = [A, 1]^T delta/m  (n_in + 1) × n_out × rows      column-stored   delta, packed where that pays
//
// A is never packed: the micro-kernel broadcasts its elements, and rows of a batch are consecutive already.
//
// Loops (GotoBLAS): C is cut into micropanels of NR columns and microtiles of at most MR rows. K is cut into blocks of
// KC in the micro-kernel, or around it where B is larger than L2: C then has the sums between two blocks.
//
//   gemm, B within L2                   gemm, B larger than L2
//     for each microtile's rows           for each block of K
//       for each micropanel of B            for each group of micropanels of B, which stays in L2
//         micro-kernel, epilogue              for each microtile's rows, which stay in L1
//                                               for each micropanel of the group
//                                                 micro-kernel; at last epilogue
//
// Contract of gemm: that of microkernel.h for every microtile. Besides: rows begin..end-1 of A and C, begin < end; C
// (and gate) have padded(N) elements in each row, ldc >= padded(N), because micropanels are whole vectors.
#pragma once

#include "microkernel.h"
#include "panels.h"

namespace {

// Rows begin..end-1 in the fewest microtiles of at most `most` rows, as even as they can be: calls f(first row, rows).
template <class F> CHAINRULE_INLINE void each_microtile(Index begin, Index end, int most, F f) {
  Index rows = end - begin, larger = 0;  // microtiles of one row more: the first
  if (rows > most) {
    const Index count = (rows + most - 1) / most;
    larger = rows % count, rows /= count;
  }
  for (; begin < end; larger--) {
    const Index own = rows + (larger > 0);
    f(begin, own);
    begin += own;
  }
}

// Prefetches the rows of the next batch, a few bytes with every k of the micro-kernels of this batch.
struct Prefetch {
  const chainrule::Matrix *X = nullptr;
  const int64_t *order = nullptr;
  Index row = 0, end = 0, at = 0, width = 0, step = 0;  // next byte: `at` of the `width` bytes of row order[row]

  Prefetch() = default;
  // Rows begin..stop-1 of `rows`, of M's elements of `size` bytes, over so many products of microtiles.
  Prefetch(const chainrule::Matrix &M, const int64_t *rows, Index begin, Index stop, Index size, double products)
      : X(&M), order(rows), row(begin), end(M.column_stride == size ? stop : begin), width(M.columns * size) {
    const double even = 1.5 * double(stop - begin) * double(width + 64) / products;
    step = even < 4 ? 4 : even > 64 ? 64 : Index(even) + 1;
  }
  // Gives a microtile its bytes to prefetch; where there are none (left), its own A, which is in the cache.
  template <class T> CHAINRULE_INLINE void assign(Microtile<T> &t) {
    t.prefetch = (const char *)t.A;
    if (row >= end) return;
    t.prefetch = X->data + order[row] * X->row_stride + at;
    t.prefetch_step = t.K * step < width - at ? step : (width - at) / t.K + 1;
    at += t.K * t.prefetch_step;
    if (at >= width) at = 0, row++;
  }
};

// C = A B, with B in micropanels of K rows each.
template <class T> struct Product {
  const T *A;
  Index lda;
  const T *B;
  Index K;
  Micropanels panels;
  T *C;
  Index ldc;
  Epilogue epilogue;
  const T *gate;
  Index ldg;
  const Range *live = nullptr;  // for each micropanel, the rows outside of which B is 0; null for all rows
  bool biases = false;  // the last row of B, which `live` does not count

  // The products of micropanel p that are not 0 by a mask. The first is the first of its block of KC where there are
  // several, so that these are cut where they always are and the sum has the same bits.
  CHAINRULE_INLINE Range products(Index p) const {
    if (!live || live[p].begin >= live[p].end) return {0, K};
    return {K > KC ? live[p].begin / KC * KC : live[p].begin, biases ? K : live[p].end};
  }
  // The microtile of micropanel p whose first row is `row`.
  CHAINRULE_INLINE Microtile<T> microtile(Index p, Index row) const { return microtile(p, row, products(p)); }
  // Its products k.begin..k.end-1.
  CHAINRULE_INLINE Microtile<T> microtile(Index p, Index row, Range k) const {
    const Index at = panels.first(p) * lanes<T>, NR = panels.NV(p) * lanes<T>;
    const T *own_gate = gate ? gate + row * ldg + at : nullptr;
    return {A + row * lda + k.begin,
            lda,
            B + K * at + k.begin * NR,
            NR,
            C + row * ldc + at,
            ldc,
            k.end - k.begin,
            epilogue,
            own_gate,
            ldg,
            nullptr,
            0,
            T(1)};
  }
};

// Micropanels that all rows of A pass before the next ones: one that stays in L1, or as many as stay in L2 while the
// rows of a microtile stay in L1.
CHAINRULE_INLINE Index panels_together(Index K) {
  const Index bytes = (K < KC ? K : KC) * 2 * vector_bytes;
  return bytes <= 24 << 10 ? 1 : (1 << 19) / bytes;
}

// Rows of A up to which B comes from memory at a rate that counts: a microtile then prefetches its share of what comes
// next of B.
inline constexpr Index few_rows = 256;

template <class T> CHAINRULE_INLINE void prefetch_B(Microtile<T> &t, const T *next, Index row, Index rows, Index all) {
  const Index bytes = t.ldb * Index(sizeof(T));
  t.prefetch = (const char *)next + t.K * bytes * row / all;
  t.prefetch_step = bytes * rows / all + 1;
}

// The same where B is larger than L2: group after group of micropanels, with K cut around the micro-kernel.
template <class T, class CacheEpilogue>
CHAINRULE_INLINE void gemm_by_blocks(const Product<T> &product, Index begin, Index end, Prefetch &prefetch,
                                     CacheEpilogue cache_epilogue) {
  const Micropanels panels = product.panels;
  const Index together = panels_together(product.K);
  const auto microtile = [&](Index p, Index row, Index rows, Index k) {
    const Range all = product.products(p), own{k < all.begin ? all.begin : k, k + KC < all.end ? k + KC : all.end};
    if (own.begin >= own.end) return;
    Microtile<T> t = product.microtile(p, row, own);
    const bool last = own.end == all.end;
    t.continues = own.begin > all.begin;
    if (!last) t.epilogue = Epilogue::None;
    if (end - begin <= few_rows && p + together < panels.count())
      prefetch_B(t, product.microtile(p + together, row, own).B, row - begin, rows, end - begin);
    else
      prefetch.assign(t);
    kernel_of<Microkernels<T, RowStored>>(int(rows), panels.NV(p))(t);
    if (last) cache_epilogue(row, rows, panels.first(p), panels.NV(p));
  };
  for (Index k = 0; k < product.K; k += KC)
    for (Index first = 0; first < panels.count(); first += together)
      each_microtile(begin, end, MR(panels.NV(first)), [&](Index row, Index rows) {
        for (Index p = first; p < panels.count() && p < first + together; p++) microtile(p, row, rows, k);
      });
}

// Computes rows begin..end-1 of C. cache_epilogue(first row, rows, first vector, vectors) is called for each microtile
// while it is in the cache.
template <class T, class CacheEpilogue>
CHAINRULE_INLINE void gemm(const Product<T> &product, Index begin, Index end, Prefetch &prefetch,
                           CacheEpilogue cache_epilogue) {
  const Micropanels panels = product.panels;
  const bool larger_than_L2 = product.K * panels.vectors * vector_bytes > 1 << 19;
  if (larger_than_L2 && end - begin > MR(2)) return gemm_by_blocks(product, begin, end, prefetch, cache_epilogue);
  // NV differs by one at most, and the widest micropanel has the smallest MR.
  each_microtile(begin, end, MR(panels.NV(0)), [&](Index row, Index rows) {
    for (Index p = 0; p < panels.count(); p++) {
      const int NV = panels.NV(p);
      Microtile<T> t = product.microtile(p, row);
      prefetch.assign(t);
      kernel_of<Microkernels<T, RowStored>>(int(rows), NV)(t);
      cache_epilogue(row, rows, panels.first(p), NV);
    }
  });
}

// Packs K rows of NV vectors (ldb apart) into a micropanel: one row after the other.
template <class T> void pack_micropanel(const T *B, Index ldb, Index K, int NV, T *to) {
  constexpr int VL = lanes<T>;
  for (Index k = 0; k < K; k++)
    for (int v = 0; v < NV; v++) store(to + (k * NV + v) * VL, load(B + k * ldb + v * VL));
}

}  // namespace
