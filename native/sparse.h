// Sparse inputs: rows of X of which only some entries are stored, for the first layer; the others are 0.
//
//    offsets  │ 0 │ 2 │ 2 │ 5 │ ...         row r has entries offsets[r] .. offsets[r+1]-1
//    places   │ 1 │ 7 │ 0 │ 3 │ 9 │ ...     their columns, ascending in each row
//    values   │ x │ x │ x │ x │ x │ ...
//
//    forward    Z_r  = sum over the entries of row r     x W̃_place, then b      rows of W̃ are gathered
//    gradient   dW̃_k = sum over the entries of column k  x delta_r / m          rows of delta are gathered
//
// Contract: the sums of the micro-kernel, in its order, without the products by 0: one accumulator an element, blocks
// of KC places (for the gradient: of KC rows) added in order. So a result equals that of the same rows stored dense,
// as long as weights and delta are finite. A batch in whose rows few entries are 0 is made dense in a training: by its
// own entries, so that no bit depends on how batches are cut into calls.
#pragma once

#include "gemm.h"
#include "types.h"

namespace {

using chainrule::Matrix;

// Calls f(values) with the values of a sparse matrix in their own type.
template <class F> CHAINRULE_INLINE void with_values(const Matrix &X, F f) {
  if (X.kind == chainrule::Float64)
    f((const double *)X.data);
  else
    f((const float *)X.data);
}

// A sum of products for one row of NV vectors: places ascend, each at most once.
template <class T, int NV> struct SparseSum {
  vec<T> block[NV] = {}, total[NV] = {};
  Index end = KC;  // of the block

  CHAINRULE_INLINE void add(Index place, T x, const T *row) {
    if (place >= end) {
      for (int v = 0; v < NV; v++) total[v] = total[v] + block[v], block[v] = vec<T>{};
      end = (place / KC + 1) * KC;
    }
    const vec<T> a = broadcast(x);
    for (int v = 0; v < NV; v++) block[v] = fma(a, load(row + v * lanes<T>), block[v]);
  }
  CHAINRULE_INLINE vec<T> sum(int v) const { return total[v] + block[v]; }
};

template <int N> struct Number {
  static constexpr int value = N;
};

// Calls f with a number of vectors as a constant.
template <class F> CHAINRULE_INLINE void with_vectors(int NV, F f) {
  switch (NV) {
    case 1: return f(Number<1>{});
    case 2: return f(Number<2>{});
    default: return f(Number<3>{});
  }
}

// Z = [X, 1] W̃ of the first layer, or max(0, Z), for rows begin..end-1 of C, which are rows row_of(r) of X.
template <class T, class RowOf>
void sparse_forward(const Layer<T> &layer, const T *weights, const Matrix &X, RowOf row_of, T *C, Index ldc,
                    Index begin, Index end, bool relu) {
  const Micropanels panels = layer.panels();
  with_values(X, [&](const auto *values) {
    for (Index p = 0; p < panels.count(); p++)
      with_vectors(panels.NV(p), [&](auto vectors) {
        constexpr int NV = decltype(vectors)::value;
        constexpr Index NR = NV * lanes<T>;
        const T *B = weights + layer.panel_at(p);
        for (Index r = begin; r < end; r++) {
          const Index row = row_of(r), last = Index(X.offsets[row + 1]);
          SparseSum<T, NV> sum;
          for (Index e = Index(X.offsets[row]); e < last; e++) sum.add(X.places[e], T(values[e]), B + X.places[e] * NR);
          sum.add(layer.in, T(1), B + layer.in * NR);
          T *to = C + r * ldc + panels.first(p) * lanes<T>;
          for (int v = 0; v < NV; v++) {
            const vec<T> z = sum.sum(v), zero{};
            store(to + v * lanes<T>, !relu || z > zero ? z : zero);
          }
        }
      });
  });
}

// The entries of a batch column by column, rows ascending: what the gradient of the first layer sums. The column of the
// biases has a 1 in each row.
template <class T> struct SparseColumns {
  struct Entry {
    T value;
    int32_t row;
  };
  int64_t *begin = nullptr;  // n_1 + 2 of them: column k has entries begin[k] .. begin[k+1]-1
  Entry *entry = nullptr;
  Index most = 0;  // entries that there is memory for

  // Memory for so many entries of X and as many rows; false where it is short.
  bool reserve(Index columns, Index entries) {
    if (begin && entries <= most) return true;
    release();
    const Index starts = (columns + 3) * Index(sizeof *begin);
    char *memory = (char *)chainrule::allocate(starts + entries * Index(sizeof *entry));
    if (!memory) return false;
    begin = (int64_t *)memory, entry = (Entry *)(memory + starts);
    most = entries;
    return true;
  }
  void release() {
    chainrule::release(begin);
    *this = {};
  }

  template <class RowOf> void fill(const Matrix &X, RowOf row_of, Index rows) {
    int64_t *next = begin + 2;  // counted two places further on, so that begin[k + 1] can move while column k is filled
    const Index n = X.columns;
    for (Index k = 0; k < n + 3; k++) begin[k] = 0;
    for (Index r = 0; r < rows; r++)
      for (Index e = Index(X.offsets[row_of(r)]); e < Index(X.offsets[row_of(r) + 1]); e++) next[X.places[e]]++;
    next[n] = rows;
    for (Index k = 0; k <= n; k++) next[k] += next[k - 1];
    with_values(X, [&](const auto *values) {
      for (Index r = 0; r < rows; r++) {
        for (Index e = Index(X.offsets[row_of(r)]); e < Index(X.offsets[row_of(r) + 1]); e++)
          put(X.places[e], r, T(values[e]));
        put(n, r, T(1));
      }
    });
  }
  CHAINRULE_INLINE void put(Index column, Index r, T x) { entry[begin[column + 1]++] = {x, int32_t(r)}; }
};

// BP3 and BP4 of rows first..first+rows-1 of the weights: C = scale X^T delta, for the micropanel t.B of delta.
template <class T> void sparse_gradient(const SparseColumns<T> &columns, const Microtile<T> &t, Index first, int rows) {
  with_vectors(int(t.ldc / lanes<T>), [&](auto vectors) {
    constexpr int NV = decltype(vectors)::value;
    for (Index i = 0; i < rows; i++) {
      SparseSum<T, NV> sum;
      for (Index e = columns.begin[first + i]; e < columns.begin[first + i + 1]; e++)
        sum.add(columns.entry[e].row, columns.entry[e].value, t.B + columns.entry[e].row * t.ldb);
      for (int v = 0; v < NV; v++) store(t.C + i * t.ldc + v * lanes<T>, sum.sum(v) * broadcast(t.scale));
    }
  });
}

// Row `row` of X as columns 0..n-1 of a dense row.
template <class T> void fill_dense_row(const Matrix &X, Index row, T *to) {
  for (Index j = 0; j < X.columns; j++) to[j] = 0;
  with_values(X, [&](const auto *values) {
    for (Index e = Index(X.offsets[row]); e < Index(X.offsets[row + 1]); e++) to[X.places[e]] = T(values[e]);
  });
}

}  // namespace
