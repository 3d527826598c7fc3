// Products of whole matrices: which tiles there are, and what is packed before them.
//
// forward    Z = [A, 1] W̃           tiles of rows of the batch × a panel of W̃
// backward   G = delta W^T           tiles of rows of the batch × a panel of W^T
// gradient   dW̃ = [A, 1]^T delta     tiles of a stripe of W̃'s rows × a panel, summed over the batch
#pragma once

#include "layout.h"
#include "microkernel.h"

namespace {

// rows dealt into the fewest tiles of at most `most`, as even as they can be: calls f(begin, rows).
template <class F> CHAINRULE_INLINE void tiles(long begin, long end, int most, F f) {
  long count = (end - begin + most - 1) / most;
  for (; count > 0; count--) {
    long rows = (end - begin + count - 1) / count;
    f(begin, rows);
    begin += rows;
  }
}

// C rows begin..end-1 = A B, for row-major A and panels of B (`depth` rows each), panel by panel;
// done(row, rows, first vector, vectors) is called for each tile while it is hot.
template <class T, class Done>
CHAINRULE_INLINE void multiply(const T *A, long lda, const T *B, long depth, Panels panels, T *C, long ldc, long begin,
                               long end, Finish finish, const T *kept, long ld_kept, Done done) {
  constexpr int W = lanes<T>;
  const bool wide = depth * panels.vectors * vector_bytes > 1 << 19;  // B leaves L2: then each panel meets all rows
  auto tile = [&](long p, long row, long rows) {
    int width = panels.width(p);
    long at = panels.first(p) * W;
    Tile<T> t{A + row * lda, lda,    B + depth * at, width * W, C + row * ldc + at, ldc, depth,
              finish,        kept ? kept + row * ld_kept + at : nullptr, ld_kept, T(0)};
    tile_kernel<T, Rows>(int(rows), width)(t);
    done(row, rows, panels.first(p), width);
  };
  if (wide) {
    for (long p = 0; p < panels.count(); p++)
      tiles(begin, end, most_rows(panels.width(p)), [&](long row, long rows) { tile(p, row, rows); });
  } else {
    // Panels differ in width by one at most, and the widest holds the fewest rows.
    tiles(begin, end, most_rows(panels.width(0)), [&](long row, long rows) {
      for (long p = 0; p < panels.count(); p++) tile(p, row, rows);
    });
  }
}

// `rows` rows of a panel of B (ld apart) one after the other.
template <class T> void pack_panel(const T *B, long ld, long rows, int width, T *to) {
  constexpr int W = lanes<T>;
  for (long k = 0; k < rows; k++)
    for (int v = 0; v < width; v++) store(to + (k * width + v) * W, load(B + k * ld + v * W));
}

}  // namespace
