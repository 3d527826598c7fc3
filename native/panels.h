// Packing: how weights are laid out for the micro-kernel, and how they are packed from theta and unpacked to it.
//
// The biases are the weights of one more neuron whose activation is always 1: the last row of W̃ = [W; b], n_in + 1
// rows, as in theta. The columns of W̃ are padded to whole vectors and split into micropanels of NV = 2 vectors; the
// first has 3 where the number of vectors is odd (NV = 1 where there is one vector). A micropanel is contiguous, row
// after row: the B of a microtile, with ldb = NR = NV * VL.
//
//    theta     │ W̃: n_in + 1 rows of n_out ───────────────────────────────────│ next layer
//    weights   │ micropanel 0: rows of 3 vectors │ micropanel 1: rows of 2 │ ... │ next layer
//
// Order of the elements of one micropanel of K rows (for W̃ K = n_in + 1, for W^T K = n_out), as offsets from its
// begin:
//
//              j = 0       1        ...  NR-1
//    k = 0         0       1        ...  NR-1
//    k = 1        NR    NR+1        ... 2NR-1
//    ...
//    k = K-1  (K-1)NR  (K-1)NR + 1  ... K NR-1     the next micropanel begins at K NR
//
// W^T is packed alike, without the biases: micropanels over the vectors of n_in, n_out rows each.
//
// Contract: arrays of packed weights begin at a multiple of 64 bytes, so every row of a micropanel begins at a multiple
// of a vector. The padding is 0 and stays 0: its gradient is 0, and no rule moves a weight 0 of gradient 0. theta has
// no padding: its rows are read and written to the exact element.
#pragma once

#include "masked.h"
#include "types.h"

namespace {

// How a number of vectors is split into micropanels.
struct Micropanels {
  Index vectors;
  CHAINRULE_INLINE Index count() const { return vectors < 2 ? 1 : vectors >> 1; }
  CHAINRULE_INLINE int NV(Index p) const { return vectors == 1 ? 1 : p == 0 ? 2 + int(vectors & 1) : 2; }
  CHAINRULE_INLINE Index first(Index p) const { return p == 0 ? 0 : 2 * p + (vectors & 1); }  // vector
  CHAINRULE_INLINE Index containing(Index vector) const { return vector == 0 ? 0 : (vector - (vectors & 1)) >> 1; }
};

// Indices begin..end-1.
struct Range {
  Index begin, end;
};

template <class T> struct Layer {
  Index in, out;
  Index weights_at;  // of W̃ in the packed weights
  Index transposed_at;  // of W^T in the packed transposes
  // Under a mask, else null: for each micropanel of W̃ (of W^T) the rows outside of which every weight stays 0.
  const Range *live, *transposed_live;

  CHAINRULE_INLINE Micropanels panels() const { return {padded<T>(out) / lanes<T>}; }
  CHAINRULE_INLINE Micropanels transposed_panels() const { return {padded<T>(in) / lanes<T>}; }
  CHAINRULE_INLINE Index rows() const { return in + 1; }
  CHAINRULE_INLINE Index elements() const { return rows() * padded<T>(out); }
  CHAINRULE_INLINE Index transposed_elements() const { return out * padded<T>(in); }
  // Columns of micropanel p that are not padding.
  CHAINRULE_INLINE Index columns(Index p) const {
    const Index NR = panels().NV(p) * lanes<T>, left = out - panels().first(p) * lanes<T>;
    return left < NR ? left : NR;
  }
  CHAINRULE_INLINE Index panel_at(Index p) const { return weights_at + rows() * panels().first(p) * lanes<T>; }
  // Whether weights other than 0 are among rows begin..end-1 of micropanel p; the biases are.
  CHAINRULE_INLINE bool is_live(Index p, Index begin, Index end) const {
    return !live || end > in || (begin < live[p].end && live[p].begin < end);
  }
};

enum Direction { Pack, Unpack };

// Rows begin..end-1 of micropanel p, from a layer's rows in theta or back.
template <Direction direction, class T, class Row>
void copy_panel(const Layer<T> &layer, Index p, Index begin, Index end, Row *rows, T *packed) {
  const Index NR = layer.panels().NV(p) * lanes<T>, columns = layer.columns(p);
  T *panel = packed + layer.panel_at(p) + begin * NR;
  Row *row = rows + begin * layer.out + layer.panels().first(p) * lanes<T>;
  for (Index i = begin; i < end; i++, panel += NR, row += layer.out) {
    if constexpr (direction == Pack) {
      for (Index j = 0; j < NR; j += lanes<T>)
        store(panel + j, j < columns ? load_first(row + j, columns - j, T(0)) : vec<T>{});
    } else {
      copy_numbers((const T *)panel, columns, row);
    }
  }
}

// Whether they have the same bits.
template <class T>
bool same_panel(const Layer<T> &layer, Index p, Index begin, Index end, const T *rows, const T *packed) {
  const Index NR = layer.panels().NV(p) * lanes<T>, columns = layer.columns(p);
  const T *panel = packed + layer.panel_at(p) + begin * NR;
  const T *row = rows + begin * layer.out + layer.panels().first(p) * lanes<T>;
  for (Index i = begin; i < end; i++, panel += NR, row += layer.out)
    if (__builtin_memcmp(panel, row, size_t(columns) * sizeof(T))) return false;
  return true;
}

// A layer from its rows in theta to its micropanels, or back: 16 rows of 16 micropanels after the other, so that both
// sides are passed in pieces of 2 KiB.
template <Direction direction, class T, class Row>
void copy_layer(const Layer<T> &layer, Row *rows, T *packed) {
  constexpr Index together = 16;
  const Index count = layer.panels().count(), all = layer.rows();
  for (Index first = 0; first < count; first += together)
    for (Index i = 0; i < all; i += together)
      for (Index p = first; p < count && p < first + together; p++)
        copy_panel<direction>(layer, p, i, all - i < together ? all : i + together, rows, packed);
}

// Two vectors interleaved in groups of H lanes: the low or the high half.
template <class T, int H, bool high, int... I> CHAINRULE_INLINE vec<T> interleave(vec<T> a, vec<T> b, Numbers<I...>) {
  constexpr int VL = lanes<T>;
  return __builtin_shufflevector(a, b, ((I / H) % 2 == 0 ? (high ? I + H : I) : (high ? VL + I : VL + I - H))...);
}

// Transposes a square of VL vectors: exchanges off-diagonal blocks of H lanes, for H = VL/2, VL/4, ..., 1.
template <class T, int H> CHAINRULE_INLINE void transpose_square(vec<T> (&row)[lanes<T>]) {
  constexpr int VL = lanes<T>;
#pragma GCC unroll 16
  for (int i = 0; i < VL; i++)
    if ((i / H) % 2 == 0) {
      vec<T> a = row[i], b = row[i + H];
      row[i] = interleave<T, H, false>(a, b, UpTo<VL>{});
      row[i + H] = interleave<T, H, true>(a, b, UpTo<VL>{});
    }
  if constexpr (H > 1) transpose_square<T, H / 2>(row);
}

// The transpose of at most VL columns of at most VL rows, through a square in registers; rows up to VL become zeros.
template <class T>
CHAINRULE_INLINE void transpose_block(const T *from, Index ldf, Index rows, Index columns, T *to, Index ldt) {
  constexpr int VL = lanes<T>;
  if (columns <= 2) {  // a square for one or two columns would be nearly all padding
    for (Index c = 0; c < columns; c++)
      for (Index r = 0; r < VL; r++) to[c * ldt + r] = r < rows ? from[r * ldf + c] : T(0);
    return;
  }
  vec<T> row[VL];
#pragma GCC unroll 16
  for (int r = 0; r < VL; r++) row[r] = r < rows ? load(from + r * ldf) : vec<T>{};
  transpose_square<T, VL / 2>(row);
  if (columns >= VL) {
#pragma GCC unroll 16
    for (int c = 0; c < VL; c++) store(to + c * ldt, row[c]);
  } else {
    for (int c = 0; c < VL && c < columns; c++) store(to + c * ldt, row[c]);
  }
}

// Packs W^T of rows begin..end-1 of micropanel p of W̃; begin is a multiple of VL.
template <class T>
void transpose_panel(const Layer<T> &layer, const T *weights, T *transposed, Index p, Index begin, Index end) {
  constexpr int VL = lanes<T>;
  Micropanels panels = layer.panels(), others = layer.transposed_panels();
  const T *panel = weights + layer.panel_at(p);
  int NV = panels.NV(p);
  if (end > layer.in) end = layer.in;
  for (Index i = begin; i < end; i += VL) {
    const Index q = others.containing(Index(size_t(i) / VL)), ldt = others.NV(q) * VL, first = others.first(q) * VL;
    T *to = transposed + layer.transposed_at + layer.out * first + (i - first);
    for (int v = 0; v < NV; v++) {
      const Index j = (panels.first(p) + v) * VL;
      transpose_block(panel + i * NV * VL + v * VL, NV * VL, end - i, layer.out - j, to + j * ldt, ldt);
    }
  }
}

template <class T> void transpose_layer(const Layer<T> &layer, const T *weights, T *transposed) {
  for (Index p = 0; p < layer.panels().count(); p++) transpose_panel(layer, weights, transposed, p, 0, layer.in);
}

}  // namespace
