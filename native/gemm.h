// Products of whole matrices: which tiles there are, and what is packed before them.
//
// forward    Z = [A, 1] W̃           tiles of rows of the batch × a panel of W̃
// backward   G = delta W^T           tiles of rows of the batch × a panel of W^T
// gradient   dW̃ = [A, 1]^T delta     tiles of a stripe of W̃'s rows × a panel, summed over the batch
#pragma once

#include "microkernel.h"
#include "panels.h"

namespace {

// rows dealt into the fewest tiles of at most `most`, as even as they can be: calls f(begin, rows).
template <class F> CHAINRULE_INLINE void tiles(Index begin, Index end, int most, F f) {
  if (end - begin <= most) return f(begin, end - begin);
  Index count = (end - begin + most - 1) / most;
  for (; count > 0; count--) {
    Index rows = (end - begin + count - 1) / count;
    f(begin, rows);
    begin += rows;
  }
}

// The rows of the next batch on their way into the cache, a little with every tile while this batch is computed.
struct Ahead {
  const chainrule::Matrix *X = nullptr;
  const int64_t *order = nullptr;
  Index row = 0, end = 0, at = 0, width = 0, step = 0;

  Ahead() = default;
  // Rows begin..stop-1 of `rows`, of M's elements of `size` bytes, over so many products of tiles.
  Ahead(const chainrule::Matrix &M, const int64_t *rows, Index begin, Index stop, Index size, double products)
      : X(&M), order(rows), row(begin), end(M.column_stride == size ? stop : begin), width(M.columns * size) {
    const double even = 1.5 * double(stop - begin) * double(width + 64) / products;
    step = even < 4 ? 4 : even > 64 ? 64 : Index(even) + 1;
  }
  template <class T> CHAINRULE_INLINE void with(Tile<T> &t) {
    t.ahead = (const char *)t.A;
    if (row >= end) return;
    t.ahead = X->data + order[row] * X->row_stride + at;
    t.step = t.K * step < width - at ? step : (width - at) / t.K + 1;
    at += t.K * t.step;
    if (at >= width) at = 0, row++;
  }
};

// C rows begin..end-1 = A B, for row-major A and panels of B (`depth` rows each), panel by panel;
// done(row, rows, first vector, vectors) is called for each tile while it is hot.
template <class T, class Done>
CHAINRULE_INLINE void multiply(const T *A, Index lda, const T *B, Index depth, Panels panels, T *C, Index ldc,
                               Index begin, Index end, Finish finish, const T *kept, Index ld_kept, Ahead &ahead,
                               Done done) {
  constexpr int W = lanes<T>;
  const bool wide = depth * panels.vectors * vector_bytes > 1 << 19;  // B leaves L2: then each panel meets all rows
  auto tile = [&](Index p, Index row, Index rows) {
    int width = panels.width(p);
    Index at = panels.first(p) * W;
    Tile<T> t{A + row * lda,
              lda,
              B + depth * at,
              width * W,
              C + row * ldc + at,
              ldc,
              depth,
              finish,
              kept ? kept + row * ld_kept + at : nullptr,
              ld_kept,
              nullptr,
              0};
    ahead.with(t);
    pick<Kernels<T, Rows>>(int(rows), width)(t);
    done(row, rows, panels.first(p), width);
  };
  if (wide) {
    for (Index p = 0; p < panels.count(); p++)
      tiles(begin, end, most_rows(panels.width(p)), [&](Index row, Index rows) { tile(p, row, rows); });
  } else {
    // Panels differ in width by one at most, and the widest holds the fewest rows.
    tiles(begin, end, most_rows(panels.width(0)), [&](Index row, Index rows) {
      for (Index p = 0; p < panels.count(); p++) tile(p, row, rows);
    });
  }
}

// `rows` rows of a panel of B (ld apart) one after the other.
template <class T> void pack_panel(const T *B, Index ld, Index rows, int width, T *to) {
  constexpr int W = lanes<T>;
  for (Index k = 0; k < rows; k++)
    for (int v = 0; v < width; v++) store(to + (k * width + v) * W, load(B + k * ld + v * W));
}

}  // namespace
