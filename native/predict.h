// Prediction: A^L for rows of X, on one thread or several; each piece of rows has scratch memory of its own.
//
//    by rows      A̅ (rows × n+1) times W̃: the lanes of a vector are neurons of the next layer
//    by columns   W̃^T times A̅^T (n+1 × rows): the lanes are rows, so none is idle where a layer is narrow
//
// Both make the same products and sum them in the same order: no bit depends on the choice.
#pragma once

#include "train.h"

namespace {

inline constexpr Index rows_at_once = 64;  // of a prediction
template <class T> inline constexpr Index columns_at_once = 3 * lanes<T>;  // rows of a prediction by columns
inline constexpr Index most_by_columns = 1 << 14;  // weights of a network that is computed by columns: they fit L2

template <class T> struct Prediction {
  const Network<T> &net;
  const Matrix &X;
  T *out, *memory;
  Index ld, rows;  // of the two buffers of a thread
  bool by_columns;
};

// Whether the lanes that a small network leaves idle by rows cost more than to transpose its inputs and outputs.
template <class T> bool suits_columns(const Network<T> &net, const Matrix &X) {
  if (net.elements > most_by_columns || net.half || X.offsets) return false;
  Index idle = 0;
  for (Index k = 0; k < net.layers; k++) {
    const Layer<T> &layer = net.layer[k];
    if (layer.live || (k + 1 < net.layers && net.neurons[k + 1].whole_rows)) return false;
    idle += layer.rows() * (padded<T>(layer.out) - layer.out);
  }
  return idle > 4 * (padded<T>(net.neurons[0].n) + padded<T>(net.neurons[net.layers].n));
}

// A̅^T, a row of `rows` (whole vectors) for each input and one of ones, from rows first..first+rows-1 of X; `memory` is
// for rows that are not of type T or not in one piece.
template <class T>
void transpose_inputs(const Network<T> &net, const Matrix &X, Index first, Index rows, T *A, T *memory) {
  const Index n = net.neurons[0].n;
  const int own = sizeof(T) == 4 ? chainrule::Float32 : chainrule::Float64;
  const char *data = X.data + first * X.row_stride;
  const bool in_place = X.kind == own && X.column_stride == Index(sizeof(T)) && uintptr_t(data) % sizeof(T) == 0 &&
                        X.row_stride % Index(sizeof(T)) == 0;
  for (Index r = 0; !in_place && r < rows; r++) copy_row(X, first + r, 0, n, memory + r * n);
  const T *from = in_place ? (const T *)data : memory;
  const Index ldf = in_place ? X.row_stride / Index(sizeof(T)) : n;
  for (Index r = 0; r < rows; r += lanes<T>) {
    rows_to_columns(from + r * ldf, ldf, Index(lanes<T>), n, A + r, rows);
    store(A + n * rows + r, broadcast(T(1)));
  }
}

// A^T of the next layer from A̅^T of layer k, both with rows of `ld` (at most 3 vectors); Z^T for the last layer.
template <class T> void forward_columns(const Network<T> &net, Index k, const T *A, T *next, Index ld) {
  const Layer<T> &layer = net.layer[k];
  const Neurons<T> &to = net.neurons[k + 1];
  const Micropanels panels = layer.panels();
  const int NV = int(ld / lanes<T>);
  Microtile<T> t{};
  t.B = A, t.ldb = t.ldc = ld, t.K = layer.rows(), t.scale = 1, t.prefetch = (const char *)A;
  t.epilogue = is_relu(net, k) ? Epilogue::Relu : Epilogue::None;
  for (Index p = 0; p < panels.count(); p++) {
    const Index from = panels.first(p) * lanes<T>, NR = panels.NV(p) * lanes<T>;
    t.lda = NR;
    each_microtile(0, at_most(NR, layer.out - from), MR(NV), [&](Index j, Index neurons) {
      t.A = net.weights + layer.panel_at(p) + j, t.C = next + (from + j) * ld;
      kernel_of<Microkernels<T, ColumnStored>>(int(neurons), NV)(t);
    });
  }
  if (k + 1 == net.layers) return;
  if (!is_relu(net, k)) activate(to.activation, next, (T *)nullptr, ld, to.n, ld / lanes<T>, ld);
  for (Index r = 0; r < ld; r += lanes<T>) store(next + to.n * ld + r, broadcast(T(1)));
}

// `rows` are whole vectors.
template <class T> void predict_columns(Prediction<T> &call, T *memory, Index first, Index rows) {
  const Network<T> &net = call.net;
  const Index n_L = net.neurons[net.layers].n, ldz = n_L == 1 ? 1 : padded<T>(n_L);
  T *A = memory, *next = memory + call.ld * call.rows;
  transpose_inputs(net, call.X, first, rows, A, next);
  for (Index k = 0; k < net.layers; k++) {
    forward_columns(net, k, (const T *)A, next, rows);
    T *previous = A;
    A = next, next = previous;
  }
  for (Index r = 0; n_L > 1 && r < rows; r += lanes<T>)
    columns_to_rows((const T *)A + r, Index(lanes<T>), n_L, next + r * ldz, ldz, rows);
  for (Index b = 0; b < net.blocks; b++)
    block_values(net.block[b], n_L == 1 ? (const T *)A : (const T *)next, ldz, call.out + first * n_L, n_L, rows);
}

template <class T> void predict_rows(Prediction<T> &call, T *memory, Index first, Index rows) {
  const Network<T> &net = call.net;
  T *A = memory, *next = memory + call.ld * call.rows;
  Prefetch none;
  const Neurons<T> &input = net.neurons[0], &last = net.neurons[net.layers];
  for (Index r = 0; !call.X.offsets && r < rows; r++) {
    copy_row(call.X, first + r, 0, input.n, A + r * input.ld);
    A[r * input.ld + input.n] = 1;
  }
  for (Index k = 0; k < net.layers; k++) {
    if (k == 0 && call.X.offsets)
      forward_sparse(net, call.X, [&](Index r) { return first + r; }, next, (T *)nullptr, net.neurons[1].ld, 0, rows);
    else
      forward_layer(net, k, (const T *)A, net.neurons[k].ld, next, (T *)nullptr, net.neurons[k + 1].ld, 0, rows, none);
    T *previous = A;
    A = next, next = previous;
  }
  for (Index b = 0; b < net.blocks; b++)
    block_values(net.block[b], A, last.ld, call.out + first * last.n, last.n, rows);
}

template <class T> void predict_work(void *context, int thread, int threads) {
  auto &call = *(Prediction<T> *)context;
  const Share share(call.X.rows, thread, threads);
  T *memory = call.memory + thread * 2 * call.ld * call.rows;
  for (Index at = share.begin; at < share.end;) {
    Index rows = at_most(share.end - at, call.rows);
    if (call.by_columns && rows >= lanes<T>)
      predict_columns(call, memory, at, rows -= rows % lanes<T>);
    else
      predict_rows(call, memory, at, rows);
    at += rows;
  }
}

template <class T> bool predict(const void *self, const Matrix &X, void *out, const Team &team) {
  const Network<T> &net = *(const Network<T> *)self;
  const bool by_columns = X.rows >= lanes<T> && suits_columns(net, X);
  const Index most = by_columns ? columns_at_once<T> : rows_at_once;
  Prediction<T> call{net, X, (T *)out, nullptr, 0, at_most(X.rows, most), by_columns};
  for (Index l = 0; l <= net.layers; l++) call.ld = net.neurons[l].ld > call.ld ? net.neurons[l].ld : call.ld;
  call.memory = (T *)chainrule::allocate(Index(sizeof(T)) * 2 * call.ld * call.rows * team.threads);
  if (!call.memory) return false;
  team.run(team.threads, predict_work<T>, &call);
  chainrule::release(call.memory);
  return true;
}

}  // namespace
