// How weights lie in the core's own memory, and their way from and to theta.
//
// The biases are the weights of one more neuron whose activation is always 1, the last row: W̃ = [W; b], (n_in + 1) rows,
// as they lie in theta. Its columns are padded with zeros to whole vectors, which are dealt into panels of 2, one of 3
// where their number is odd (one of 1 where there is but one). A panel is contiguous, row after row: what a tile reads.
//
//    theta     │ W̃: n_in + 1 rows of n_out ──────────────────────────────│ next layer
//    arena     │ panel 0: rows of 3 vectors │ panel 1: rows of 2 │ ... │
//
// W^T lies alike, without the biases: panels over the vectors of n_in, n_out rows. Zeros in the padding stay zeros:
// their gradients are 0, and no rule moves what has none.
#pragma once

#include "masked.h"
#include "types.h"

namespace {

struct Panels {
  Index vectors;
  CHAINRULE_INLINE Index count() const { return vectors < 2 ? 1 : vectors / 2; }
  CHAINRULE_INLINE int width(Index p) const { return vectors == 1 ? 1 : p == 0 && vectors % 2 ? 3 : 2; }
  CHAINRULE_INLINE Index first(Index p) const { return p == 0 ? 0 : 2 * p + vectors % 2; }
  CHAINRULE_INLINE Index holding(Index vector) const { return (vector - vectors % 2) / 2; }
};

template <class T> struct Layer {
  Index in, out;
  Index at;  // of W̃ in the arena of weights
  Index turned;  // of W^T in its own arena

  CHAINRULE_INLINE Panels panels() const { return {padded<T>(out) / lanes<T>}; }
  CHAINRULE_INLINE Panels turned_panels() const { return {padded<T>(in) / lanes<T>}; }
  CHAINRULE_INLINE Index rows() const { return in + 1; }
  CHAINRULE_INLINE Index elements() const { return rows() * padded<T>(out); }
  CHAINRULE_INLINE Index turned_elements() const { return out * padded<T>(in); }
  CHAINRULE_INLINE Index panel_at(Index p) const { return at + rows() * panels().first(p) * lanes<T>; }
};

// From theta's rows of one layer to its panels (In), or back.
template <bool In, class T, class Row> void copy_panels(const Layer<T> &layer, Row *rows, T *arena) {
  const Panels panels = layer.panels();
  for (Index p = 0; p < panels.count(); p++) {
    const Index ld = panels.width(p) * lanes<T>, from = panels.first(p) * lanes<T>;
    const Index columns = layer.out - from < ld ? layer.out - from : ld;
    T *panel = arena + layer.panel_at(p);
    Row *row = rows + from;
    for (Index i = 0; i < layer.rows(); i++, panel += ld, row += layer.out) {
      if constexpr (In) {
        for (Index j = 0; j < ld; j += lanes<T>)
          store(panel + j, j < columns ? load_first(row + j, columns - j, T(0)) : vec<T>{});
      } else {
        copy_numbers((const T *)panel, columns, row);
      }
    }
  }
}

// Two vectors with their lanes interleaved in groups of H: the low or the high half.
template <class T, int H, bool high, int... I> CHAINRULE_INLINE vec<T> mix(vec<T> a, vec<T> b, Numbers<I...>) {
  constexpr int W = lanes<T>;
  return __builtin_shufflevector(a, b, ((I / H) % 2 == 0 ? (high ? I + H : I) : (high ? W + I : W + I - H))...);
}

// Exchanges off-diagonal blocks of H lanes, for H = W/2, W/4, ..., 1: a square of W rows transposed.
template <class T, int H> CHAINRULE_INLINE void transpose_by(vec<T> (&row)[lanes<T>]) {
  constexpr int W = lanes<T>;
#pragma GCC unroll 16
  for (int i = 0; i < W; i++)
    if ((i / H) % 2 == 0) {
      vec<T> a = row[i], b = row[i + H];
      row[i] = mix<T, H, false>(a, b, UpTo<W>{});
      row[i + H] = mix<T, H, true>(a, b, UpTo<W>{});
    }
  if constexpr (H > 1) transpose_by<T, H / 2>(row);
}

// W^T of rows begin..end-1 of panel p (begin is a multiple of the lanes): squares of vectors, transposed in registers.
template <class T> void turn(const Layer<T> &layer, const T *weights, T *turned, Index p, Index begin, Index end) {
  constexpr int W = lanes<T>;
  Panels panels = layer.panels(), others = layer.turned_panels();
  const T *panel = weights + layer.panel_at(p);
  int width = panels.width(p);
  if (end > layer.in) end = layer.in;
  for (Index i = begin; i < end; i += W) {
    Index q = others.holding(i / W), ld = others.width(q) * W;
    T *to = turned + layer.turned + layer.out * others.first(q) * W + (i / W - others.first(q)) * W;
    for (int v = 0; v < width; v++) {
      const Index j = (panels.first(p) + v) * W;
      if (layer.out - j <= 2) {  // a square for a column or two would be nearly all padding
        for (Index c = 0; c < layer.out - j; c++)
          for (Index r = 0; r < W; r++)
            to[(j + c) * ld + r] = i + r < end ? panel[(i + r) * width * W + v * W + c] : T(0);
        continue;
      }
      vec<T> row[W];
#pragma GCC unroll 16
      for (int r = 0; r < W; r++) row[r] = i + r < end ? load(panel + (i + r) * width * W + v * W) : vec<T>{};
      transpose_by<T, W / 2>(row);
      if (j + W <= layer.out) {
#pragma GCC unroll 16
        for (int c = 0; c < W; c++) store(to + (j + c) * ld, row[c]);
      } else {
        for (int c = 0; c < W && j + c < layer.out; c++) store(to + (j + c) * ld, row[c]);
      }
    }
  }
}

template <class T> void turn_all(const Layer<T> &layer, const T *weights, T *turned) {
  for (Index p = 0; p < layer.panels().count(); p++) turn(layer, weights, turned, p, 0, layer.in);
}

}  // namespace
