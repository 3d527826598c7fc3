// Theta into the packed weights of a run and back, by the threads of its team: each copies its own macrotiles. What
// theta has not changed since the last call is only compared.
#pragma once

#include "passes.h"

namespace {

// Calls f(macrotile, the rows of its layer in `flat`) for those of this thread; `flat` is laid out like theta.
template <class T, class Row, class F>
void each_macrotile_of(const Network<T> &net, Row *flat, int thread, int threads, F f) {
  Index k = 0;
  each_macrotile(net, thread, threads, [&](const Macrotile &tile) {
    for (; k < tile.k; k++) flat += net.layer[k].rows() * net.layer[k].out;
    f(tile, flat);
  });
}

template <class T> struct ThetaCall {
  Network<T> &net;
  T *theta;
};

template <class T> T *packed_theta(const Network<T> &net) { return net.mean ? net.mean : net.weights; }

// What the passes need of a macrotile in half precision depends on X too, so it is always made again.
template <class T> void load_theta(void *context, int thread, int threads) {
  const ThetaCall<T> &call = *(const ThetaCall<T> *)context;
  Network<T> &net = call.net;
  const SubnormalsAre0 mode;
  T *to = packed_theta(net);
  const bool compare = net.loaded && !net.half;
  each_macrotile_of(net, call.theta, thread, threads, [&](const Macrotile &tile, const T *rows) {
    const Layer<T> &layer = net.layer[tile.k];
    if (compare && same_panel(layer, tile.p, tile.begin, tile.end, rows, to)) return;
    copy_panel<Pack>(layer, tile.p, tile.begin, tile.end, rows, to);
    const Index at = layer.panel_at(tile.p), NR = layer.panels().NV(tile.p) * lanes<T>;
    if (net.mean) set_gradient_point(net, at + tile.begin * NR, at + tile.end * NR);
    pack_moved(net, tile.k, tile.p, tile.begin, tile.end);
  });
}

template <class T> void store_theta(void *context, int thread, int threads) {
  const ThetaCall<T> &call = *(const ThetaCall<T> *)context;
  const T *from = packed_theta(call.net);
  each_macrotile_of(call.net, call.theta, thread, threads, [&](const Macrotile &tile, T *rows) {
    copy_panel<Unpack>(call.net.layer[tile.k], tile.p, tile.begin, tile.end, rows, (T *)from);
  });
}

}  // namespace
