// The output layer and BP1: what a block of output neurons costs each row, and its error delta = dC_x/dZ.
//
// The elements of a block are gathered into tiles (costs.h), so that no lane is wasted on narrow blocks, computed
// there, and scattered to their rows.
//
// Contract: Z, A, targets, weights and delta need no alignment and no padding: they are read and written to the exact
// element. A may be Z; otherwise no two arrays overlap.
#pragma once

#include "costs.h"
#include "panels.h"

namespace {

inline constexpr Index tile_elements = 512;  // most elements of a tile of an elementwise activation

// Calls f(first row, rows, first column, columns) for the tiles of rows × width elements.
template <class F> CHAINRULE_INLINE void each_tile(Index rows, Index width, F f) {
  for (Index j = 0; j < width; j += tile_elements) {
    const Index columns = width - j < tile_elements ? width - j : tile_elements, most = tile_elements / columns;
    for (Index r = 0; r < rows; r += most) f(r, rows - r < most ? rows - r : most, j, columns);
  }
}

// Up to VL rows (ld apart) to columns of VL rows (ldt apart), or back: a square in registers for every VL columns. Rows
// that are not there become zeros.
template <class T>
void rows_to_columns(const T *from, Index ld, Index rows, Index width, T *to, Index ldt = lanes<T>) {
  constexpr int VL = lanes<T>;
  for (Index j = 0; j < width; j += VL) {
    vec<T> square[VL];
    for (int r = 0; r < VL; r++) square[r] = r < rows ? load_first(from + r * ld + j, width - j, T(0)) : vec<T>{};
    transpose_square<T, VL / 2>(square);
    for (int c = 0; c < VL && j + c < width; c++) store(to + (j + c) * ldt, square[c]);
  }
}
template <class T>
void columns_to_rows(const T *from, Index rows, Index width, T *to, Index ld, Index ldf = lanes<T>) {
  constexpr int VL = lanes<T>;
  for (Index j = 0; j < width; j += VL) {
    vec<T> square[VL];
    for (int c = 0; c < VL; c++) square[c] = j + c < width ? load(from + (j + c) * ldf) : vec<T>{};
    transpose_square<T, VL / 2>(square);
    for (int r = 0; r < VL && r < rows; r++) store_first(to + r * ld + j, width - j, square[r]);
  }
}

// Copies the elements of a tile of a row-major block, rows `row` apart, to rows `to_row` apart.
template <class T> CHAINRULE_INLINE void copy_rows(const T *from, Index row, T *to, Index to_row, const Tile<T> &x) {
  for (Index r = 0; r < x.rows; r++)
    if (x.width == 1)
      to[r * to_row] = from[r * row];
    else
      copy_numbers(from + r * row, x.width, to + r * to_row);
}

// Gathers elements, rows ld apart, into a tile; 0 into the lanes left over.
template <class T> CHAINRULE_INLINE void gather(const T *from, Index ld, const Tile<T> &x, T *to) {
  const Index elements = x.rows * x.width;
  if (ld == x.row_step) {  // no gaps in either
    for (Index i = 0; i < x.count; i += lanes<T>) store(to + i, load_first(from + i, elements - i, T(0)));
    return;
  }
  if (x.column_step == lanes<T>) return rows_to_columns(from, ld, x.rows, x.width, to);
  if (elements < x.count) store(to + x.count - lanes<T>, vec<T>{});
  copy_rows(from, ld, to, x.row_step, x);
}
template <class T> CHAINRULE_INLINE void scatter(const T *from, const Tile<T> &x, T *to, Index ld) {
  if (x.column_step == lanes<T>) return columns_to_rows(from, x.rows, x.width, to, ld);
  copy_rows(from, x.row_step, to, ld, x);
}

// A^L of the block's columns for `rows` rows of Z; writes nothing else of A. A may be Z.
template <class T> void block_values(const Block &block, const T *Z, Index ldz, T *A, Index lda, Index rows) {
  const Index width = block.stop - block.start;
  Z += block.start, A += block.start;
  if (!elementwise(block.activation)) {
    for (Index r = 0; r < rows; r++) softmax_row(Z + r * ldz, A + r * lda, width);
    return;
  }
  alignas(64) T buffer[tile_elements];
  each_tile(rows, width, [&](Index r, Index height, Index j, Index columns) {
    Tile<T> x{height, columns, columns, 1, padded<T>(height * columns), {}, buffer, {}, {}, {}, {}, 0};
    gather(Z + r * ldz + j, ldz, x, buffer);
    activate<T>(block.activation, buffer, nullptr, x.count, 1, x.count / lanes<T>, x.count);
    scatter(buffer, x, A + r * lda + j, lda);
  });
}

// Elements of scratch that block_errors needs.
template <class T> Index block_scratch(const Block &block, Index) {
  return 6 * (by_columns(block) ? lanes<T> * Index(block.stop - block.start) : tile_elements);
}

template <class T> CHAINRULE_INLINE void multiply_by(T *what, const T *weight, Index count) {
  for (Index i = 0; i < count; i += lanes<T>) store(what + i, load(what + i) * load(weight + i));
}

// From a: value, cost, weights of the terms, pullback.
template <class T> CHAINRULE_INLINE void errors_from_a(const Block &block, const Tile<T> &x) {
  const Activation s = block.activation;
  if (elementwise(s))
    activate<T>(s, x.a, x.z, x.count, 1, x.count / lanes<T>, x.count);
  else
    softmax_columns(x.a, x.a, x.width);
  errors_of_cost<T>(block.cost, Costs{})(x);
  if (x.weight) multiply_by(x.delta, x.weight, x.count);
  if (elementwise(s))
    pull_back<T>(s, x.delta, x.count, needs_z(s) ? x.z : x.a, x.count, 1, x.count / lanes<T>, x.count);
  else
    softmax_pull_back_columns(x.delta, x.a, x.width);
}

// cost[r] += sum_j of row r's terms in float64, j ascending. Costs that are not elementwise have one weight a row: that
// of the first column.
template <class T> CHAINRULE_INLINE void add_terms(const Block &block, const Tile<T> &x, double *cost) {
  constexpr int VL = lanes<T>;
  const bool by_row = x.weight && !traits_of_cost(block.cost, Costs{}).elementwise;
  if (x.weight && !by_row) multiply_by(x.term, x.weight, x.count);
  if (x.width == 1 && !by_row) {
    for (Index r = 0; r < x.rows; r++) cost[r] += double(x.term[r]);
    return;
  }
  for (Index r = 0; r < x.rows; r += VL) {
    const Index n = x.rows - r < VL ? x.rows - r : VL;
    double sum[VL] = {};
    for (Index j = 0; j < x.width; j++)
      for (Index i = 0; i < n; i++) sum[i] += double(x.term[(r + i) * x.row_step + j * x.column_step]);
    for (Index i = 0; i < n; i++) cost[r + i] += by_row ? sum[i] * double(x.weight[(r + i) * x.row_step]) : sum[i];
  }
}

// Terms and delta of a tile: gathered from Z, target and weight (ld_target apart), delta scattered, terms added to
// cost.
template <class T>
CHAINRULE_INLINE void block_tile_errors(const Block &block, const Tile<T> &x, const T *Z, Index ldz, const T *target,
                                        const T *weight, Index ld_target, T *delta, Index ldd, double *cost) {
  const ErrorFunction<T> pair = errors_of_pair<T>(block);
  gather(Z, ldz, x, pair ? x.z : x.a);
  gather(target, ld_target, x, x.t);
  if (weight) gather(weight, ld_target, x, x.weight);
  if (pair) {
    pair(x);
    if (weight) multiply_by(x.delta, x.weight, x.count);
  } else {
    errors_from_a(block, x);
  }
  scatter(x.delta, x, delta, ldd);
  add_terms(block, x, cost);
}

// BP1 for `rows` rows of the block: writes its columns of delta and nothing else, and adds the block's weighted terms
// to cost[r]. target (and term_weight, unless null) are rows × width, row-major, no gaps.
template <class T>
void block_errors(const Block &block, Index rows, const T *Z, Index ldz, const T *target, const T *term_weight,
                  T *delta, Index ldd, double *cost, T *scratch) {
  const Index width = block.stop - block.start, size = block_scratch<T>(block, rows) / 6;
  T *part[6];
  for (int i = 0; i < 6; i++) part[i] = scratch + i * size;
  T *weight = term_weight ? part[5] : nullptr;
  auto errors = [&](Index r, Index height, Index j, Index columns, Index row_step, Index column_step, Index count) {
    Tile<T> x{height,  columns, row_step, column_step, padded<T>(count), part[0],
              part[1], part[2], part[3],  part[4],     weight,           block.cost_parameter};
    const Index at = r * width + j;
    block_tile_errors(block, x, Z + r * ldz + block.start + j, ldz, target + at, weight ? term_weight + at : nullptr,
                      width, delta + r * ldd + block.start + j, ldd, cost + r);
  };
  if (!by_columns(block)) {
    each_tile(rows, width, [&](Index r, Index height, Index j, Index columns) {
      errors(r, height, j, columns, columns, 1, height * columns);
    });
  } else {
    constexpr int VL = lanes<T>;
    for (Index r = 0; r < rows; r += VL) errors(r, rows - r < VL ? rows - r : VL, 0, width, 1, VL, width * VL);
  }
}

}  // namespace
