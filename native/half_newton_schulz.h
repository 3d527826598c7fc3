// The iterations of newton_schulz.h in half precision: operands are rounded when they are packed, sums are float32.
//
//                    A                B
//    S = Y^T Y       columns of Y     micropanels of Y
//    T = S S         rows of S        micropanels of S
//    Y ← a Y + Y P   rows of Y        micropanels of P = b S + c T
//
// Y, S and P are float32, and so is a Y, which is added to the finished sum. S and T are symmetric to the last bit here
// too: the blocks on and above the diagonal are computed, and copied.
//
// Contract: that of half_kernels.h for every product, so no bit depends on threads or the kernel. Five barriers an
// iteration.
#pragma once

#include "half.h"
#include "newton_schulz.h"

namespace {

using chainrule::half_elements;

// This thread's rows of S to pack, or rows of Y.
inline Share half_share(Index rows, const Iteration &it) { return Share(rows, half_together, it.thread, it.threads); }

// Calls f(part) for each part of one micropanel among rows begin..end-1 of a matrix with n columns.
template <class T, class F> void each_part_of_panels(Index n, const Share &own, F f) {
  const Micropanels panels{padded<T>(n) / lanes<T>};
  for (Index row = own.begin; row < own.end; row += half_together)
    for (Index p = 0; p < panels.count(); p++)
      f(Part<T>{row, at_most(own.end - row, half_together), panels.first(p), panels.NV(p)});
}

// A part of one micropanel of X (K rows, ld elements apart) as B.
template <class T>
void pack_half_panel(const HalfKernels &kernels, const Part<T> &part, const T *X, Index ld, Index K, Half *panels) {
  const Index at = part.vector * half_rows, NR = part.vectors * half_rows;
  kernels.pack_panel({X + part.row * ld + at, ld, part.rows, NR}, part.vectors,
                     panels + half_padded(K) * at + part.row * NR);
}

// A part of X as rows of A, where sums go along its n columns.
template <class T>
void pack_half_rows(const HalfKernels &kernels, const Part<T> &part, const T *X, Index ld, Index n, Half *rows) {
  const Index at = part.vector * half_rows, apart = half_tiles(n);
  kernels.pack_rows({X + part.row * ld + at, ld, part.rows, part.vectors * half_rows}, at,
                    rows + part.row / half_rows * apart, apart);
}

// A part of Y for all products; its rows are packed to `rows`.
template <class T>
void pack_half(const HalfKernels &kernels, const Orthogonal<T> &o, const Iteration &it, const Part<T> &part, const T *Y,
               Half *rows) {
  const Index at = part.vector * half_rows, across = half_tiles(it.N);
  pack_half_rows(kernels, part, Y, it.ld, it.n, rows);
  pack_half_panel(kernels, part, Y, it.ld, it.N, o.half_panels);
  kernels.pack_columns({Y + part.row * it.ld + at, it.ld, part.rows, part.vectors * half_rows},
                       o.columns + part.vector * across + part.row * half_rows, across);
}

// Copies squares of C = C^T that were computed, to below the diagonal, where none are computed.
template <class T> void copy_below(T *C, Index ld, Index n, Micropanels panels, const Part<T> &part) {
  constexpr Index VL = lanes<T>;
  for (Index i = part.row; i < part.row + part.rows; i += VL)
    for (Index v = part.vector; v < part.vector + part.vectors && v * VL < n; v++)
      if (panels.containing(i / VL) < panels.containing(v / 2 * 2))
        transpose_block(C + i * ld + v * VL, ld, part.row + part.rows - i, n - v * VL, C + v * VL * ld + i, ld);
}

// C = A B, symmetric, for packed A (n rows) and B with sums of K products; finish(part) changes a part of C first.
template <class T, class Finish>
void half_symmetric(const HalfKernels &kernels, const Half *A, const Half *B, Index K, T *C, const Iteration &it,
                    Finish finish) {
  const Micropanels panels{padded<T>(it.n) / lanes<T>};
  const Index apart = half_tiles(K), parts = (it.n + half_together - 1) / half_together;
  const auto diagonal = [&](Index q) { return panels.containing(2 * q); };
  each_upper_block(parts, panels.count(), diagonal, it.thread, it.threads, [&](Index q, Index p) {
    const Index row = q * half_together, NV = panels.NV(p), at = panels.first(p) * half_rows;
    const Part<T> part{row, at_most(it.n - row, half_together), panels.first(p), NV};
    kernels.multiply(
        {A + row / half_rows * apart, apart, B + half_padded(K) * at, NV, C + row * it.ld + at, it.ld, K, part.rows});
    finish(part);
    copy_below(C, it.ld, it.n, panels, part);
  });
}

template <class T> void half_S(const HalfKernels &kernels, const Orthogonal<T> &o, const Iteration &it) {
  half_symmetric(kernels, o.columns, o.half_panels, it.N, o.S, it, [](const Part<T> &) {});
  it.barrier();
  each_part_of_panels<T>(it.n, half_share(it.n, it), [&](const Part<T> &part) {
    pack_half_rows(kernels, part, o.S, it.ld, it.n, o.S_rows);
    pack_half_panel(kernels, part, o.S, it.ld, it.n, o.S_panels);
  });
  it.barrier();
}

template <class T> void half_P(const HalfKernels &kernels, const Orthogonal<T> &o, const Iteration &it) {
  const vec<T> b = broadcast(T(quintic[1])), c = broadcast(T(quintic[2]));
  half_symmetric(kernels, o.S_rows, o.S_panels, it.n, o.Q, it, [&](const Part<T> &part) {
    for (Index i = part.row; i < part.row + part.rows; i++)
      for (Index v = part.vector; v < part.vector + part.vectors; v++) {
        const Index at = i * it.ld + v * lanes<T>;
        store(o.Q + at, fma(c, load(o.Q + at), b * load(o.S + at)));
      }
  });
  it.barrier();
  each_part_of_panels<T>(it.n, half_share(it.n, it),
                         [&](const Part<T> &part) { pack_half_panel(kernels, part, o.Q, it.ld, it.n, o.Q_panels); });
  it.barrier();
}

// Y, and its rows in half precision.
template <class T> struct Rows {
  T *Y;
  Half *half;
};

// next = a Y + Y P for this thread's rows; packs them where an iteration follows.
template <class T>
void half_next(const HalfKernels &kernels, const Orthogonal<T> &o, const Iteration &it, const Rows<T> &now,
               const Rows<T> &next, bool packs) {
  const vec<T> a = broadcast(T(quintic[0]));
  const Share own = half_share(it.N, it);
  const HalfProduct product{now.half, o.Q_panels, it.n, {padded<T>(it.n) / lanes<T>}, next.Y, it.ld, nullptr, now.Y};
  half_gemm(kernels, product, own.begin, own.end, [&](Index row, Index rows, Index vector, Index vectors) {
    for (Index i = row; i < row + rows; i++)
      for (Index v = vector; v < vector + vectors; v++) {
        const Index at = i * it.ld + v * lanes<T>;
        store(next.Y + at, fma(a, load(now.Y + at), load(next.Y + at)));
      }
    if (packs) pack_half(kernels, o, it, Part<T>{row, rows, vector, vectors}, next.Y, next.half);
  });
}

// Packs this thread's rows of the first Y. Where n needs more zeros than whole vectors have, rows get them here: an
// earlier matrix of another width may have left numbers.
template <class T> void begin_half(const HalfKernels &kernels, const Orthogonal<T> &o, const Iteration &it) {
  if (half_padded(it.n) > padded<T>(it.n)) {
    const size_t bytes = size_t(half_elements(it.N, it.n)) * sizeof(Half);
    Half *const both[] = {o.rows, o.next_rows};
    for (Half *rows : both)
      if (it.thread == 0) __builtin_memset(rows, 0, bytes);
    if (it.thread == 0) __builtin_memset(o.S_rows, 0, size_t(half_elements(it.n, it.n)) * sizeof(Half));
    it.barrier();
  }
  each_part_of_panels<T>(it.n, half_share(it.N, it),
                         [&](const Part<T> &part) { pack_half(kernels, o, it, part, o.Y, o.rows); });
  it.barrier();
}

// From Y in o.Y, packed; returns where the last one is, o.Y or o.next.
template <class T> const T *half_iterate(const HalfKernels &kernels, const Orthogonal<T> &o, const Iteration &it) {
  Rows<T> now{o.Y, o.rows}, next{o.next, o.next_rows};
  for (Index round = 0; round < it.rounds; round++) {
    half_S(kernels, o, it);
    half_P(kernels, o, it);
    half_next(kernels, o, it, now, next, round + 1 < it.rounds);
    it.barrier();
    const Rows<T> last = now;
    now = next, next = last;
  }
  return now.Y;
}

}  // namespace
