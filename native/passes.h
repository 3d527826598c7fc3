// The passes over a batch: rows gathered, forward, cost, backward (BP1, BP2), and BP3 and BP4 as one product.
//
//    neurons 0 ─ layer 0 → neurons 1 ─ layer 1 → ... → neurons H     forward:  A̅ = [A, 1],  Z = A̅ W̃
//                          delta 1   ←    ...        ← delta H       backward: G = delta W^T
//
// The weights s of the examples enter with delta^L; every later delta is linear in it, so it has them too. The mean
// over the batch divides the finished sum of BP3 and BP4.
#pragma once

#include "dropout.h"
#include "half.h"

namespace {

using chainrule::Examples;
using chainrule::Matrix;

// The rows of the examples that a batch has: order[0..], or those from `first` on. A large batch comes in chunks;
// `begin` is the place of the chunk's first row in the batch.
struct Batch {
  const int64_t *order;
  Index first, rows;
  Index begin;
  Index whole;  // rows of the whole batch, m
  Index epoch, number;
  CHAINRULE_INLINE Index row(Index r) const { return order ? Index(order[r]) : first + r; }
};

// Numbers of type U, `stride` bytes apart, as T. An address that is no multiple of the element size is read byte by
// byte.
template <class U, class T> CHAINRULE_INLINE void convert_row(const char *p, Index stride, Index count, T *to) {
  U x;
  const auto convert = [&](Index apart) {
    for (Index j = 0; j < count; j++) {
      __builtin_memcpy(&x, p + j * apart, sizeof x);
      to[j] = T(x);
    }
  };
  stride == Index(sizeof x) ? convert(sizeof x) : convert(stride);
}

// Columns from..from+count-1 of a row, as T.
template <class T> CHAINRULE_INLINE void copy_row(const Matrix &M, Index row, Index from, Index count, T *to) {
  const char *p = M.data + row * M.row_stride + from * M.column_stride;
  const int own = sizeof(T) == 4 ? chainrule::Float32 : chainrule::Float64;
  if (M.kind == own && count > 4 && M.column_stride == Index(sizeof(T)) && uintptr_t(p) % sizeof(T) == 0)
    return copy_numbers((const T *)p, count, to);
  switch (M.kind) {
    case chainrule::Float32: return convert_row<float>(p, M.column_stride, count, to);
    case chainrule::Float64: return convert_row<double>(p, M.column_stride, count, to);
    default: return convert_row<int32_t>(p, M.column_stride, count, to);
  }
}

// Whether a block of these examples has class numbers that stay such.
template <class T> CHAINRULE_INLINE bool has_labels(const Examples &e, const chainrule::Block &block) {
  return e.T.kind == chainrule::Int32 && !e.by_term && has_many_classes<T>(block);
}

// The targets of one row, block by block; class numbers become one-hot unless there are many classes.
template <class T> void gather_targets(Network<T> &net, const Examples &e, Index row, Index r) {
  const Matrix &M = e.T;
  for (Index b = 0; b < net.blocks; b++) {
    const chainrule::Block &block = net.block[b];
    const Index width = block.stop - block.start;
    T *to = net.targets + net.capacity * block.start + r * width;
    if (M.kind != chainrule::Int32) {
      copy_row(M, row, block.start, width, to);
    } else {
      int32_t label;
      __builtin_memcpy(&label, M.data + row * M.row_stride + b * M.column_stride, sizeof label);
      if (has_labels<T>(e, block))
        net.labels[net.capacity * b + r] = label;
      else
        for (Index j = 0; j < width; j++) to[j] = j == label;
    }
  }
}

template <class T> void gather_weights(Network<T> &net, const Examples &e, Index row, Index r) {
  T weight = 1;
  if (e.weight.kind != chainrule::None && !e.by_term) copy_row(e.weight, row, 0, 1, &weight);
  if (e.by_term)
    for (Index b = 0; b < net.blocks; b++) {
      const chainrule::Block &block = net.block[b];
      const Index width = block.stop - block.start;
      copy_row(e.weight, row, block.start, width, net.term_weights + net.capacity * block.start + r * width);
    }
  net.row_weight[r] = weight;
}

template <class T> CHAINRULE_INLINE void prefetch_row(const Network<T> &net, const Examples &e, Index row) {
  if (!net.sparse) __builtin_prefetch(e.X.data + row * e.X.row_stride);
  __builtin_prefetch(e.T.data + row * e.T.row_stride);
  if (e.weight.data) __builtin_prefetch(e.weight.data + row * e.weight.row_stride);
}

template <class T> void gather(Network<T> &net, const Examples &e, const Batch &batch, Index begin, Index end) {
  constexpr Index ahead = 8;  // rows: about what memory takes
  Neurons<T> &input = net.neurons[0];
  for (Index r = begin; r < end; r++) {
    const Index row = batch.row(r);
    if (r + ahead < end) prefetch_row(net, e, batch.row(r + ahead));
    if (!net.sparse) {
      T *to = input.A + r * input.ld;
      e.X.offsets ? fill_dense_row(e.X, row, to) : copy_row(e.X, row, 0, input.n, to);
      input.A[r * input.ld + input.n] = 1;
    }
    gather_targets(net, e, row, r);
    gather_weights(net, e, row, r);
  }
}

template <class T> CHAINRULE_INLINE bool is_relu(const Network<T> &net, Index k) {
  return k + 1 < net.layers && net.neurons[k + 1].activation.kind == net.relu;
}

// What is left of layer k for whole rows: an activation that is not elementwise, and the 1 that the next biases see.
template <class T>
void finish_layer(const Network<T> &net, Index k, T *A, T *Z, Index ld, Index begin, Index end) {
  const Neurons<T> &to = net.neurons[k + 1];
  if (k + 1 == net.layers) return;
  if (to.whole_rows)
    activate(to.activation, A + begin * ld, Z ? Z + begin * ld : nullptr, ld, end - begin,
             net.layer[k].panels().vectors, to.n);
  for (Index r = begin; r < end; r++) A[r * ld + to.n] = 1;
}

// A = sigma([A_prev, 1] W̃) for rows begin..end-1; Z, unless null, gets the sums before sigma. The last layer's A is Z.
template <class T>
void forward_layer(const Network<T> &net, Index k, const T *A_prev, Index ld_prev, T *A, T *Z, Index ld, Index begin,
                   Index end, Prefetch &prefetch) {
  const Layer<T> &layer = net.layer[k];
  const Neurons<T> &to = net.neurons[k + 1];
  const bool last = k + 1 == net.layers, relu = is_relu(net, k);
  const T *B = net.weights + layer.weights_at;
  const Epilogue epilogue = relu ? Epilogue::Relu : Epilogue::None;
  const Product<T> product{A_prev,  ld_prev, B,          layer.rows(), layer.panels(), A, ld, epilogue,
                           nullptr, 0,       layer.live, true};
  const auto finish = [&](Index row, Index rows, Index vector, Index vectors) {
    if (last || relu || to.whole_rows) return;
    Index at = row * ld + vector * lanes<T>;
    activate(to.activation, A + at, Z ? Z + at : nullptr, ld, rows, vectors, vectors * lanes<T>);
  };
  if (in_half(net, k))
    half_forward(net, k, A, ld, relu, begin, end, finish);
  else
    gemm(product, begin, end, prefetch, finish);
  finish_layer(net, k, A, Z, ld, begin, end);
}

// The same for the first layer and a sparse X, whose rows are row_of(begin) to row_of(end - 1).
template <class T, class RowOf>
void forward_sparse(const Network<T> &net, const Matrix &X, RowOf row_of, T *A, T *Z, Index ld, Index begin,
                    Index end) {
  const Neurons<T> &to = net.neurons[1];
  const bool relu = is_relu(net, 0), last = net.layers == 1;
  const Index vectors = net.layer[0].panels().vectors;
  sparse_forward(net.layer[0], net.weights, X, row_of, A, ld, begin, end, relu);
  if (!last && !relu && !to.whole_rows)
    activate(to.activation, A + begin * ld, Z ? Z + begin * ld : nullptr, ld, end - begin, vectors, vectors * lanes<T>);
  finish_layer(net, 0, A, Z, ld, begin, end);
}

template <class T> void apply_dropout(Network<T> &net, Index l, const Batch &batch, Index begin, Index end) {
  Neurons<T> &x = net.neurons[l];
  Draw draw(net.dropout[l], net.settings.seed, l + 1, batch.epoch);
  draw_factors(draw, batch.number, batch.begin + begin, end - begin, x.n, x.factor + begin * x.ld, x.ld);
  for (Index r = begin; r < end; r++) {
    const Index at = r * x.ld;
    for (Index j = 0; j < x.n; j += lanes<T>) store(x.A + at + j, load(x.sigma + at + j) * load(x.factor + at + j));
    x.A[at + x.n] = 1;
  }
}

template <class T> void forward(Network<T> &net, const Batch &batch, Index begin, Index end, Prefetch &prefetch) {
  for (Index k = 0; k < net.layers; k++) {
    Neurons<T> &from = net.neurons[k], &to = net.neurons[k + 1];
    T *A = to.sigma ? to.sigma : to.A;
    if (in_half(net, k) && !packs_at_once(net, k)) pack_activations(net, k, begin, end);
    if (k == 0 && net.sparse)
      forward_sparse(net, *net.sparse, [&](Index r) { return batch.row(r); }, A, to.Z, to.ld, begin, end);
    else
      forward_layer(net, k, from.A, from.ld, A, to.Z, to.ld, begin, end, prefetch);
    if (to.sigma) apply_dropout(net, k + 1, batch, begin, end);
  }
}

// The costs of rows, and BP1. With `weighted` delta^L is multiplied by the weights s.
template <class T>
void output_errors(Network<T> &net, const Examples &e, bool weighted, Index begin, Index end, T *scratch) {
  Neurons<T> &last = net.neurons[net.layers];
  for (Index at = begin; at < end; at += output_rows) {
    const Index rows = end - at < output_rows ? end - at : output_rows;
    for (Index r = at; r < at + rows; r++) net.row_cost[r] = 0;
    for (Index b = 0; b < net.blocks; b++) {
      const chainrule::Block &block = net.block[b];
      const Index from = net.capacity * block.start + at * (block.stop - block.start);
      if (has_labels<T>(e, block)) {
        many_classes_errors(block, rows, last.A + at * last.ld, last.ld, net.labels + net.capacity * b + at,
                            last.delta + at * last.ld, last.ld, net.row_cost + at);
        continue;
      }
      block_errors(block, rows, last.A + at * last.ld, last.ld, net.targets + from,
                   e.by_term ? net.term_weights + from : nullptr, last.delta + at * last.ld, last.ld, net.row_cost + at,
                   scratch);
    }
  }
  for (Index r = begin; r < end; r++) {
    if (net.row_weight[r] == 1) continue;
    net.row_cost[r] *= net.row_weight[r];
    if (!weighted) continue;
    const vec<T> scale = broadcast(T(net.row_weight[r]));
    T *delta = last.delta + r * last.ld;
    for (Index j = 0; j < last.n; j += lanes<T>) store(delta + j, load(delta + j) * scale);
  }
}

// BP2: delta of neurons k from that of neurons k + 1.
template <class T> void backward_layer(Network<T> &net, Index k, Index begin, Index end, Prefetch &prefetch) {
  const Layer<T> &layer = net.layer[k];
  Neurons<T> &to = net.neurons[k], &from = net.neurons[k + 1];
  const T *saved = to.Z ? to.Z : to.sigma ? to.sigma : to.A;
  const bool relu = to.activation.kind == net.relu && !to.factor;
  const T *B = net.transposed + layer.transposed_at;
  const Epilogue epilogue = relu ? Epilogue::ReluGate : Epilogue::None;
  const Product<T> product{from.delta, from.ld,  B,     layer.out, layer.transposed_panels(), to.delta,
                           to.ld,      epilogue, saved, to.ld,     layer.transposed_live};
  const auto finish = [&](Index row, Index rows, Index vector, Index vectors) {
    if (relu) return;
    const Index at = row * to.ld + vector * lanes<T>;
    if (to.factor)
      for (Index i = 0; i < rows; i++)
        for (Index j = 0; j < vectors * lanes<T>; j += lanes<T>)
          store(to.delta + at + i * to.ld + j,
                load(to.delta + at + i * to.ld + j) * load(to.factor + at + i * to.ld + j));
    if (!to.whole_rows)
      pull_back(to.activation, to.delta + at, to.ld, saved + at, to.ld, rows, vectors, vectors * lanes<T>);
  };
  if (in_half(net, k))
    half_backward(net, k, relu ? saved : nullptr, begin, end, finish);
  else
    gemm(product, begin, end, prefetch, finish);
  if (to.whole_rows)
    pull_back(to.activation, to.delta + begin * to.ld, to.ld, saved + begin * to.ld, to.ld, end - begin,
              layer.transposed_panels().vectors, to.n);
  if (in_half(net, k - 1) && (to.whole_rows || !in_half(net, k))) pack_errors(net, k, begin, end);
}

template <class T> void backward(Network<T> &net, Index begin, Index end, Prefetch &prefetch) {
  if (in_half(net, net.layers - 1)) pack_errors(net, net.layers, begin, end);
  for (Index k = net.layers - 1; k > 0; k--) backward_layer(net, k, begin, end, prefetch);
}

// A macrotile of one layer's weights: rows begin..end-1 (at most MC) of micropanel p of layer k.
struct Macrotile {
  Index k, p, begin, end;
};

// Whether every row of A is on other pages of memory. Its columns are then packed for a macrotile, and all macrotiles
// of these columns come one after the other.
template <class T> CHAINRULE_INLINE bool packs_columns(const Network<T> &net, Index k) {
  return is_wide<T>(net.neurons[k].n) && !(k == 0 && net.sparse);
}

// Rows from which on it pays to pack the operands of the gradient.
inline constexpr Index packed_rows = 64;

// The errors of rows begin..end-1 as the micropanels that the gradient of layers with packed columns multiplies.
template <class T> void pack_wide_errors(const Network<T> &net, Index rows, Index begin, Index end) {
  for (Index l = 1; l <= net.layers && rows >= packed_rows; l++) {
    const Neurons<T> &x = net.neurons[l];
    if (!x.panels || !packs_columns(net, l - 1)) continue;
    const Micropanels panels = net.layer[l - 1].panels();
    for (Index p = 0; p < panels.count(); p++) {
      const Index at = panels.first(p) * lanes<T>, NR = panels.NV(p) * lanes<T>;
      pack_micropanel(x.delta + begin * x.ld + at, x.ld, end - begin, panels.NV(p),
                      x.panels + net.capacity * at + begin * NR);
    }
  }
}

// About how long the gradient of a row of weights takes and the row's move: in vectors of the gradient. One vector
// alone reads as many elements of A as two, and what is transposed after it has moved takes as long as the products of
// 32 rows.
template <class T> CHAINRULE_INLINE double work_of_row(const Network<T> &net, Index k, int NV) {
  const double transposing = k > 0 && net.settings.batch ? 32 * NV / double(net.settings.batch) : 0;
  return NV + (NV == 1) + transposing;
}

template <class T> CHAINRULE_INLINE double work_of_weights(const Network<T> &net) {
  double work = 0;
  for (Index k = 0; k < net.layers; k++)
    for (Index p = 0; p < net.layer[k].panels().count(); p++)
      work += double(net.layer[k].rows()) * work_of_row(net, k, net.layer[k].panels().NV(p));
  return work;
}

// The rows of macrotiles that are one thread's: those between two borders of the work, in whole units of rows.
struct OwnWork {
  double begin, end;
  Index unit;
  OwnWork(double work, int thread, int threads, Index rows)
      : begin(work * thread / threads),
        end(thread + 1 < threads ? work * (thread + 1) / threads : 2 * work),
        unit(rows) {}
  // The row before which a thread's work ends, with `done` before row 0 and `each` in each of `rows` rows.
  CHAINRULE_INLINE Index row_at(double border, double done, Index rows, double each) const {
    const double row = (border - done) / each;
    if (row >= double(rows)) return rows;
    return row <= 0 ? 0 : at_most(Index(row / double(unit) + 0.5) * unit, rows);
  }
};

// Calls f(macrotile) for those of this thread: threads get consecutive macrotiles of about equal work. A macrotile in
// which the work of two threads meets is cut.
template <class T, class F> CHAINRULE_INLINE void each_macrotile(const Network<T> &net, int thread, int threads, F f) {
  const OwnWork own_work(threads > 1 ? work_of_weights(net) : 0, thread, threads, net.half ? half_block : lanes<T>);
  double done = 0;
  const auto own = [&](Index k, Index p, Index i) {
    const Index rows = net.layer[k].rows(), end = rows - i < MC ? rows : i + MC;
    Macrotile tile{k, p, i, end};
    if (threads > 1) {
      const double each = work_of_row(net, k, net.layer[k].panels().NV(p));
      tile.begin = i + own_work.row_at(own_work.begin, done, end - i, each);
      tile.end = i + own_work.row_at(own_work.end, done, end - i, each);
      done += double(end - i) * each;
      if (tile.begin == tile.end) return;
    }
    f(tile);
  };
  for (Index k = 0; k < net.layers; k++) {
    const Index rows = net.layer[k].rows(), count = net.layer[k].panels().count();
    const bool by_rows = packs_columns(net, k);
    for (Index outer = 0; outer < (by_rows ? rows : count); outer += by_rows ? MC : 1)
      for (Index inner = 0; inner < (by_rows ? count : rows); inner += by_rows ? 1 : MC)
        own(k, by_rows ? inner : outer, by_rows ? outer : inner);
  }
}

// The columns of A that a macrotile multiplies, from column `first` on: in place, or packed (lda = MC).
template <class T> struct Columns {
  const T *A = nullptr;
  Index lda = 0, k = -1, first = -1;
  CHAINRULE_INLINE void select(const Network<T> &net, const Macrotile &tile, Index m, T *scratch) {
    if (tile.k == k && tile.begin == first) return;
    const Neurons<T> &from = net.neurons[tile.k];
    k = tile.k, first = tile.begin;
    A = from.A + first, lda = from.ld;
    if (m < packed_rows || !packs_columns(net, k)) return;
    T *packed = scratch + net.capacity * 3 * lanes<T>;
    for (Index r = 0; r < m; r++)
      for (Index j = 0; j < tile.end - first; j += lanes<T>) store(packed + r * MC + j, load(A + r * lda + j));
    A = packed, lda = MC;
  }
};

// The micropanel of delta that is B for a macrotile: in place (ldb = ld of delta), or packed (ldb = NR) where at least
// MC rows of weights read it: by pack_wide_errors, or to this thread's scratch.
template <class T> struct DeltaMicropanel {
  const T *B = nullptr;
  Index ldb = 0, k = -1, p = -1;
  CHAINRULE_INLINE void select(const Network<T> &net, const Macrotile &tile, Index m, T *scratch) {
    if (tile.k == k && tile.p == p) return;
    k = tile.k, p = tile.p;
    const Neurons<T> &to = net.neurons[k + 1];
    const Micropanels panels = net.layer[k].panels();
    const int NV = panels.NV(p);
    B = to.delta + panels.first(p) * lanes<T>;
    ldb = to.ld;
    if (m < packed_rows || net.layer[k].rows() < MC) return;
    if (to.panels && packs_columns(net, k)) {
      B = to.panels + net.capacity * panels.first(p) * lanes<T>;
    } else {
      pack_micropanel(B, ldb, m, NV, scratch);
      B = scratch;
    }
    ldb = NV * lanes<T>;
  }
};

// What a thread multiplies for BP3 and BP4 of m rows.
template <class T> struct Factors {
  Index m;
  T *scratch;
  Columns<T> columns = {};
  DeltaMicropanel<T> delta = {};
  CHAINRULE_INLINE void select(const Network<T> &net, const Macrotile &tile) {
    columns.select(net, tile, m, scratch);
    delta.select(net, tile, m, scratch);
  }
};

// BP3 and BP4 of a macrotile, microtile by microtile; `whole` is the number of rows of the mean (1 for a sum).
// run(microtile, row, rows) sets C and calls the micro-kernel.
template <class T, class Run>
CHAINRULE_INLINE void gradient_microtiles(const Network<T> &net, const Macrotile &tile, const Factors<T> &factors,
                                          Index whole, Prefetch &prefetch, Run run) {
  const Columns<T> &columns = factors.columns;
  const DeltaMicropanel<T> &delta = factors.delta;
  const int NV = net.layer[tile.k].panels().NV(tile.p);
  const Index NR = NV * lanes<T>;
  const T scale = T(1 / double(whole));
  Microtile<T> t{nullptr,        columns.lda, delta.B, delta.ldb, nullptr, NR,   factors.m,
                 Epilogue::None, nullptr,     0,       nullptr,   0,       scale};
  each_microtile(tile.begin, tile.end, MR(NV), [&](Index row, Index rows) {
    t.A = columns.A + (row - columns.first), t.prefetch_step = 0;
    prefetch.assign(t);
    run(t, row, int(rows));
  });
}

// The gradient of a microtile whose first row of weights is `row`, to t.C.
template <class T>
CHAINRULE_INLINE void gradient_microtile(const Network<T> &net, const Macrotile &tile, const Microtile<T> &t, Index row,
                                         int rows, int NV) {
  if (tile.k == 0 && net.sparse)
    sparse_gradient(net.columns, t, row, rows);
  else
    kernel_of<Microkernels<T, ColumnStored>>(rows, NV)(t);
}

// Outputs of a layer that leave most lanes of a vector idle.
template <class T> inline constexpr Index narrow = lanes<T> < 8 ? 1 : lanes<T> / 4;

// Whether the lanes of a layer's outputs are mostly idle in the product for its gradient, and that product is long.
template <class T> CHAINRULE_INLINE bool is_narrow(const Network<T> &net, Index k, Index m) {
  return net.layer[k].out <= narrow<T> && m >= 32 && !(k == 0 && net.sparse);
}

// BP3 and BP4 of a macrotile of a narrow layer, from m of the `whole` rows of a mean, to g (rows of one vector):
// delta^T [A, 1] / whole, which has the rows of the weights in its lanes, then transposed. The products and their order
// are those of gradient_microtiles.
template <class T>
void narrow_gradient(const Network<T> &net, const Macrotile &tile, Index m, Index whole, T *g) {
  constexpr Index VL = lanes<T>, most = 3 * VL;
  const Neurons<T> &from = net.neurons[tile.k], &to = net.neurons[tile.k + 1];
  alignas(64) T transposed[narrow<T> * most];
  const Index first = tile.begin - tile.begin % VL;  // whole vectors, as rows of A have them
  for (Index i = first; i < tile.end; i += most) {
    const Index rows = tile.end - i < most ? tile.end - i : most, NR = padded<T>(rows);
    const char *cached = (const char *)to.delta;
    const Microtile<T> t{to.delta, to.ld, from.A + i, from.ld, transposed,          NR, m, Epilogue::None,
                         nullptr,  0,     cached,     0,       T(1 / double(whole))};
    kernel_of<Microkernels<T, ColumnStored>>(int(to.n), int(NR / VL))(t);
    for (Index q = i < tile.begin ? tile.begin - i : 0; q < rows; q++) {
      T *row = g + (i - tile.begin + q) * VL;
      store(row, vec<T>{});
      for (Index j = 0; j < to.n; j++) row[j] = transposed[j * NR + q];
    }
  }
}

// The gradient of a macrotile in half precision, part by part: calls f(first row, rows, gradient), where gradient(to)
// computes it from m rows, for the mean over `whole` of them. Biases are a part of their own, in float32.
template <class T, class F>
CHAINRULE_INLINE void each_half_gradient(const Network<T> &net, const Macrotile &tile, Index m, Index whole, F f) {
  const T scale = T(1 / double(whole));
  const Index in = net.layer[tile.k].in, end = at_most(tile.end, in);
  for (Index row = tile.begin; row < end; row += half_together) {
    const Index rows = at_most(end - row, half_together);
    f(row, rows, [&](T *to) { half_gradient(net, tile.k, tile.p, row, rows, m, scale, to); });
  }
  if (tile.end > in) f(in, 1, [&](T *to) { bias_gradient(net, tile.k, tile.p, m, scale, to); });
}

}  // namespace
