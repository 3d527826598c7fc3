// Every quantity of the equations, copied out of a batch: Z, A and delta of each layer from 2.
//
//    out:  │ Z^2 (n, n_2) │ A^2 │ delta^2 │ Z^3 (n, n_3) │ A^3 │ delta^3 │ ... │ delta^L │      row-major, no gaps
//
// With dropout in any layer, sigma^l, the activation before its factors, follows delta^l: │ Z │ A │ delta │ sigma │
//
// Contract: the numbers are those of the passes themselves. Z of a layer that does not keep it is computed once more,
// by the same product in the same order, into the rows of delta, which backward writes only later.
#pragma once

#include "passes.h"

namespace {

template <class T> struct Ledger {
  T *out;  // null for none
  double *costs;  // C_x of every row
  Index rows;  // n
};

template <class T> bool drops(const Network<T> &net) {
  for (Index l = 1; l < net.layers; l++)
    if (net.neurons[l].factor) return true;
  return false;
}

// The place of layer k's array number `which` (0: Z, 1: A, 2: delta, 3: sigma), and the elements of its row.
template <class T> struct LedgerPart {
  T *to;
  Index width;
  LedgerPart(const Network<T> &net, const Ledger<T> &ledger, Index k, Index which) : to(ledger.out) {
    const Index arrays = drops(net) ? 4 : 3;
    for (Index l = 1; l <= k; l++) to += arrays * ledger.rows * net.neurons[l].n;
    width = net.neurons[k + 1].n;
    to += which * ledger.rows * width;
  }
  void copy(const T *from, Index ld, Index begin, Index end, Index first) const {
    for (Index r = begin; r < end; r++)
      for (Index j = 0; j < width; j++) to[(first + r) * width + j] = from[r * ld + j];
  }
};

// Z of hidden layer k for rows begin..end-1, rows `ld` apart.
template <class T> const T *weighted_inputs(Network<T> &net, Index k, Index begin, Index end) {
  const Layer<T> &layer = net.layer[k];
  const Neurons<T> &from = net.neurons[k], &to = net.neurons[k + 1];
  if (to.Z) return to.Z;
  const Product<T> product{from.A,
                           from.ld,
                           net.weights + layer.weights_at,
                           layer.rows(),
                           layer.panels(),
                           to.delta,
                           to.ld,
                           Epilogue::None,
                           nullptr,
                           0,
                           layer.live,
                           true};
  Prefetch none;
  gemm(product, begin, end, none, [](Index, Index, Index, Index) {});
  return to.delta;
}

// After forward and before BP1: Z and A of rows begin..end-1, which are rows first + begin.. of all.
template <class T>
void copy_forward(Network<T> &net, const Ledger<T> &ledger, Index first, Index begin, Index end) {
  for (Index k = 0; k + 1 < net.layers; k++) {
    const Neurons<T> &x = net.neurons[k + 1];
    LedgerPart<T>(net, ledger, k, 0).copy(weighted_inputs(net, k, begin, end), x.ld, begin, end, first);
    LedgerPart<T>(net, ledger, k, 1).copy(x.A, x.ld, begin, end, first);
    if (drops(net)) LedgerPart<T>(net, ledger, k, 3).copy(x.sigma ? x.sigma : x.A, x.ld, begin, end, first);
  }
  const Neurons<T> &last = net.neurons[net.layers];  // its A is Z
  LedgerPart<T>(net, ledger, net.layers - 1, 0).copy(last.A, last.ld, begin, end, first);
  const LedgerPart<T> A(net, ledger, net.layers - 1, 1);
  T *const values = A.to + (first + begin) * last.n;
  for (Index b = 0; b < net.blocks; b++)
    block_values(net.block[b], last.A + begin * last.ld, last.ld, values, last.n, end - begin);
  if (drops(net)) LedgerPart<T>(net, ledger, net.layers - 1, 3).copy(values, last.n, 0, end - begin, first + begin);
}

// After backward: delta and C_x.
template <class T>
void copy_backward(const Network<T> &net, const Ledger<T> &ledger, Index first, Index begin, Index end) {
  for (Index k = 0; k < net.layers; k++) {
    const Neurons<T> &x = net.neurons[k + 1];
    LedgerPart<T>(net, ledger, k, 2).copy(x.delta, x.ld, begin, end, first);
  }
  for (Index r = begin; r < end; r++) ledger.costs[first + r] = net.row_cost[r];
}

}  // namespace
