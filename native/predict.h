// Prediction: A^L for rows of X, on one thread or several; each piece of rows has scratch memory of its own.
#pragma once

#include "train.h"

namespace {

inline constexpr Index rows_at_once = 64;  // of a prediction

template <class T> struct Prediction {
  const Network<T> &net;
  const Matrix &X;
  T *out, *memory;
  Index ld, rows;  // of the two buffers of a thread
};

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
  for (Index at = share.begin; at < share.end; at += call.rows)
    predict_rows(call, memory, at, share.end - at < call.rows ? share.end - at : call.rows);
}

template <class T> bool predict(const void *self, const Matrix &X, void *out, const Team &team) {
  const Network<T> &net = *(const Network<T> *)self;
  Prediction<T> call{net, X, (T *)out, nullptr, 0, X.rows < rows_at_once ? X.rows : rows_at_once};
  for (Index l = 0; l <= net.layers; l++) call.ld = net.neurons[l].ld > call.ld ? net.neurons[l].ld : call.ld;
  call.memory = (T *)chainrule::allocate(Index(sizeof(T)) * 2 * call.ld * call.rows * team.threads);
  if (!call.memory) return false;
  team.run(team.threads, predict_work<T>, &call);
  chainrule::release(call.memory);
  return true;
}

}  // namespace
