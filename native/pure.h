// The pure functions of examples: cost, gradient, second moments, norms and ledgers, at weights that stay.
#pragma once

#include "train.h"

namespace {

inline constexpr Index summed_rows = 1024;  // whose costs are added one after the other; then come sums of them

// Calls f(batch) for all rows in their own order, in chunks of the network's capacity that end where a sum does.
template <class T, class F> void each_chunk(Network<T> &net, Index rows, Index epoch, Index number, F f) {
  for (Index begin = 0, end; begin < rows; begin = end) {
    const Index stop = begin - begin % summed_rows + summed_rows, most = begin + net.capacity;
    end = stop < rows ? stop : rows;
    end = most < end ? most : end;
    f(Batch{nullptr, begin, end - begin, begin, rows, epoch, number});
  }
}

template <class T> struct PureCall {
  Network<T> &net;
  const Examples &examples;
  const Team &team;
  double cost;
  double *norms;
  bool gradient;
  bool squared;  // the mean of the squares of the examples' gradients, in place of their mean
  Ledger<T> ledger;
  Index epoch = 0, number = 0;  // of the batch, for its dropout
  Adjust<T> adjust = {};  // of the gradient
  double sum = 0;  // of the costs since the last multiple of summed_rows

  void add_costs(const Batch &batch) {
    for (Index r = 0; r < batch.rows; r++) sum += net.row_cost[r];
    const Index done = batch.begin + batch.rows;
    if (done % summed_rows && done < examples.X.rows) return;
    cost += sum;
    sum = 0;
  }
};

// (a ⊗ delta)^2 = a^2 ⊗ delta^2, so the same product as for the gradient then sums the squares. The weight s of an
// example enters once, with delta^2. Source: Dangel, Kunstner & Hennig, BackPACK, ICLR 2020.
template <class T> void square_examples(Network<T> &net, Index begin, Index end) {
  for (Index k = 0; k < net.layers; k++) {
    Neurons<T> &from = net.neurons[k], &to = net.neurons[k + 1];
    for (Index r = begin; r < end; r++) {
      const vec<T> weight = broadcast(T(net.row_weight[r]));
      T *a = from.A + r * from.ld, *delta = to.delta + r * to.ld;
      for (Index i = 0; i < from.n + 1; i += lanes<T>) store(a + i, load(a + i) * load(a + i));
      for (Index j = 0; j < to.n; j += lanes<T>) store(delta + j, load(delta + j) * load(delta + j) * weight);
    }
  }
}

template <class T> void pure_work(void *context, int thread, int threads) {
  auto &call = *(PureCall<T> *)context;
  Network<T> &net = call.net;
  const UsesHalf<T> half(net);
  each_chunk(net, call.examples.X.rows, call.epoch, call.number, [&](const Batch &batch) {
    const Share rows = share_of(net, batch.rows, thread, threads);
    if (call.gradient && net.sparse && thread == 0) fill_columns(net, batch);
    if (rows.begin < rows.end) {
      gather(net, call.examples, batch, rows.begin, rows.end);
      Prefetch none;
      forward(net, batch, rows.begin, rows.end, none);
      if (call.ledger.out) copy_forward(net, call.ledger, batch.begin, rows.begin, rows.end);
      const bool weighted = call.gradient && !call.squared;
      output_errors(net, call.examples, weighted, rows.begin, rows.end, scratch_of(net, thread));
      if (call.gradient || call.norms || call.ledger.out) backward(net, rows.begin, rows.end, none);
      if (call.ledger.out) copy_backward(net, call.ledger, batch.begin, rows.begin, rows.end);
      if (call.squared) square_examples(net, rows.begin, rows.end);
      if (call.norms)
        each_squared_norm(net, batch, rows.begin, rows.end, scratch_of(net, thread),
                          [&](Index r, double square) { call.norms[batch.begin + r] = __builtin_sqrt(square); });
      if (call.gradient) pack_wide_errors(net, batch.rows, rows.begin, rows.end);
    }
    call.team.barrier(threads);
    if (thread == 0) call.add_costs(batch);
    if (call.gradient) collect(net, batch, call.adjust, thread, threads);
    call.team.barrier(threads);
  });
}

template <class T> double cost(void *self, const Examples &e, const Team &team) {
  Network<T> &net = *(Network<T> *)self;
  const UsesSparse<T> uses(net, e.X);
  PureCall<T> call{net, e, team, 0, nullptr, false, false, {}};
  team.run(team.threads, pure_work<T>, &call);
  return call.cost / double(e.X.rows);
}

template <class T> void norms(void *self, const Examples &e, double *out, const Team &team) {
  PureCall<T> call{*(Network<T> *)self, e, team, 0, out, false, false, {}};
  team.run(team.threads, pure_work<T>, &call);
}

template <class T>
void ledger(void *self, const Examples &e, Index epoch, Index number, void *out, double *costs, const Team &team) {
  const Ledger<T> to{(T *)out, costs, e.X.rows};
  PureCall<T> call{*(Network<T> *)self, e, team, 0, nullptr, false, false, to, epoch, number};
  team.run(team.threads, pure_work<T>, &call);
}

template <class T>
bool gradient(void *self, const Examples &e, double divisor, double alpha, double l1, void *out, const Team &team) {
  Network<T> &net = *(Network<T> *)self;
  const UsesSparse<T> uses(net, e.X);
  if (!uses.reserve(nullptr, e.X.rows, summed_rows, net.capacity)) return false;
  Settings penalty{};
  penalty.divisor = divisor, penalty.alpha = alpha, penalty.l1 = l1, penalty.clip_value = __builtin_inf();
  PureCall<T> call{net, e, team, 0, nullptr, true, false, {}, 0, 0, adjustment<T>(penalty)};
  team.run(team.threads, pure_work<T>, &call);
  copy_weights<Unpack>(net, (T *)out, net.gradient);
  return true;
}

template <class T> void second_moments(void *self, const Examples &e, void *out, const Team &team) {
  Network<T> &net = *(Network<T> *)self;
  PureCall<T> call{net, e, team, 0, nullptr, true, true, {}};
  team.run(team.threads, pure_work<T>, &call);
  copy_weights<Unpack>(net, (T *)out, net.gradient);
}

}  // namespace
