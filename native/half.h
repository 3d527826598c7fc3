// Half precision in a training: what is packed for the kernels of half_kernels.h, and the passes over it.
//
//               A                             B                           C, float32
//    forward    activations by rows           micropanels of W            Z - b
//    backward   errors by rows                micropanels of W^T          delta W^T
//    gradient   activations by columns        micropanels of errors       dW m
//
// Weights, biases, activations, errors, costs and rules are float32, as in other trainings: biases are added to the
// finished sum, and their gradient is the sum of the errors in float32. A number is rounded when it is packed, right
// after it was computed. The first layer of a sparse X stays float32.
#pragma once

#include "gemm.h"
#include "network.h"

namespace {

using chainrule::half_tiles;
using chainrule::half_together;
using chainrule::HalfKernels;

inline constexpr Index half_MC = 128;  // rows of A that pass each micropanel while they are in the cache

// Whether the products of layer k are in half precision.
template <class T> CHAINRULE_INLINE bool in_half(const Network<T> &net, Index k) {
  return has_half<T> && net.half && !(k == 0 && net.sparse);
}

// A thread that multiplies in half precision until the end of the scope.
template <class T> class UsesHalf {
 public:
  explicit UsesHalf(const Network<T> &net) : kernels(has_half<T> ? net.half : nullptr) {
    if (kernels) kernels->begin();
  }
  ~UsesHalf() {
    if (kernels) kernels->end();
  }
  UsesHalf(const UsesHalf &) = delete;
  UsesHalf &operator=(const UsesHalf &) = delete;

 private:
  const HalfKernels *kernels;
};

// C = A B with sums of K products: A lies in tiles of rows, B in micropanels.
struct HalfProduct {
  const Half *A, *B;
  Index K;
  Micropanels panels;
  float *C;
  Index ldc;
  const Range *live;  // see Product
  const float *gate;  // laid out like C and read when it is complete; null for none

  // Whole blocks of the products of micropanel p that are not 0 by a mask.
  CHAINRULE_INLINE Range products(Index p) const {
    if (!live || live[p].begin >= live[p].end) return {0, K};
    return {live[p].begin / half_block * half_block, at_most(half_padded(live[p].end), K)};
  }
};

// `rows` rows of NV vectors, ld apart, on their way to the cache.
template <class T> CHAINRULE_INLINE void prefetch_rows(const T *p, Index ld, Index rows, Index NV) {
  for (Index i = 0; i < rows; i++, p += ld)
    for (Index v = 0; v < NV; v++) __builtin_prefetch(p + v * lanes<T>);
}

// Rows begin..end-1 of C; begin is a multiple of half_together. finish(first row, rows, first vector, vectors) is
// called for each part of C that is complete, while it is in the cache.
template <class Finish>
CHAINRULE_INLINE void half_gemm(const HalfKernels &kernels, const HalfProduct &x, Index begin, Index end,
                                Finish finish) {
  const Index apart = half_tiles(x.K);
  const auto part = [&](Index p, Index row, Index rows) {
    const Range k = x.products(p);
    const Index NV = x.panels.NV(p), at = x.panels.first(p) * half_rows;
    const Half *A = x.A + row / half_rows * apart + k.begin * half_rows;
    const Half *B = x.B + half_padded(x.K) * at + k.begin * NV * half_rows;
    float *C = x.C + row * x.ldc + at;
    prefetch_rows(C, x.ldc, rows, NV);
    if (x.gate) prefetch_rows(x.gate + row * x.ldc + at, x.ldc, rows, NV);
    kernels.multiply({A, apart, B, NV, C, x.ldc, k.end - k.begin, rows});
    finish(row, rows, x.panels.first(p), NV);
  };
  for (Index first = begin; first < end; first += half_MC)
    for (Index p = 0; p < x.panels.count(); p++)
      for (Index row = first; row < at_most(end, first + half_MC); row += half_together)
        part(p, row, at_most(end - row, half_together));
}

// --- packing --------------------------------------------------------------------------------------------------------

// Rows row..row+rows-1 (at most half_together, from a multiple of it) of `vectors` vectors of X, from `vector` on.
template <class T> struct Part {
  Index row, rows, vector, vectors;
  CHAINRULE_INLINE chainrule::HalfSource of(const float *X, Index ld, Index n) const {
    const Index column = vector * half_rows;
    return {X + row * ld + column, ld, rows, at_most(n - column, vectors * half_rows)};
  }
};

// Calls f(part) for all parts of rows begin..end-1 of n neurons.
template <class T, class F> void each_part(Index n, Index begin, Index end, F f) {
  for (Index row = begin; row < end; row += half_together)
    f(Part<T>{row, at_most(end - row, half_together), 0, padded<T>(n) / lanes<T>});
}

// Activations of layer l, as rows for forward and as columns for the gradient.
template <class T> void pack_activations(const Network<T> &net, Index l, const Part<T> &part) {
  if constexpr (has_half<T>) {
    const Neurons<T> &x = net.neurons[l];
    const HalfNeurons &to = net.half_neurons[l];
    const chainrule::HalfSource source = part.of(x.A, x.ld, x.n);
    const Index apart = half_tiles(x.n), across = half_tiles(net.capacity);
    net.half->pack_rows(source, part.vector * half_rows, to.rows + part.row / half_rows * apart, apart);
    net.half->pack_columns(source, to.columns + part.vector * across + part.row * half_rows, across);
  }
}
template <class T> void pack_activations(const Network<T> &net, Index l, Index begin, Index end) {
  each_part<T>(net.neurons[l].n, begin, end, [&](const Part<T> &part) { pack_activations(net, l, part); });
}

// Errors of layer l as micropanels for the gradient: one micropanel at a time.
template <class T> void pack_error_panels(const Network<T> &net, Index l, const Part<T> &part) {
  if constexpr (has_half<T>) {
    const Neurons<T> &x = net.neurons[l];
    const Micropanels panels = net.layer[l - 1].panels();
    const Index stop = part.vector + part.vectors;
    for (Index vector = part.vector; vector < stop;) {
      const Index p = panels.containing(vector), NV = panels.NV(p), at = panels.first(p);
      const Part<T> own{part.row, part.rows, at, NV};
      Half *to = net.half_neurons[l].delta_panels + half_padded(net.capacity) * at * half_rows;
      net.half->pack_panel(own.of(x.delta, x.ld, x.n), NV, to + part.row * NV * half_rows);
      vector = at + NV;
    }
  }
}

// Errors of layer l, also as rows for backward.
template <class T> void pack_errors(const Network<T> &net, Index l, const Part<T> &part) {
  if constexpr (has_half<T>) {
    const Neurons<T> &x = net.neurons[l];
    const Index apart = half_tiles(x.n);
    if (l > 1)
      net.half->pack_rows(part.of(x.delta, x.ld, x.n), part.vector * half_rows,
                          net.half_neurons[l].delta_rows + part.row / half_rows * apart, apart);
    pack_error_panels(net, l, part);
  }
}
template <class T> void pack_errors(const Network<T> &net, Index l, Index begin, Index end) {
  each_part<T>(net.neurons[l].n, begin, end, [&](const Part<T> &part) { pack_errors(net, l, part); });
}
template <class T> void pack_error_panels(const Network<T> &net, Index begin, Index end) {
  for (Index l = 1; l <= net.layers; l++)
    if (in_half(net, l - 1))
      each_part<T>(net.neurons[l].n, begin, end, [&](const Part<T> &part) { pack_error_panels(net, l, part); });
}

// Whether activations of layer l are packed part by part, while the product that gives them is computed.
template <class T> CHAINRULE_INLINE bool packs_at_once(const Network<T> &net, Index l) {
  const Neurons<T> &x = net.neurons[l];
  return l > 0 && l < net.layers && in_half(net, l - 1) && !x.whole_rows && !x.sigma;
}

// --- passes ---------------------------------------------------------------------------------------------------------

// A = [A_prev, 1] W̃ of layer k for rows begin..end-1, with relu or without, then finish(...) of half_gemm.
template <class T, class Finish>
CHAINRULE_INLINE void half_forward(const Network<T> &net, Index k, T *A, Index ld, bool relu, Index begin, Index end,
                                   Finish finish) {
  if constexpr (has_half<T>) {
    const Layer<T> &layer = net.layer[k];
    const HalfProduct product{
        net.half_neurons[k].rows, net.half_layer[k].weights, layer.in, layer.panels(), A, ld, layer.live, nullptr};
    half_gemm(*net.half, product, begin, end, [&](Index row, Index rows, Index vector, Index vectors) {
      const T *biases = net.weights + layer.panel_at(layer.panels().containing(vector)) + layer.in * vectors * lanes<T>;
      for (Index v = 0; v < vectors; v++) {
        const vec<T> b = load(biases + v * lanes<T>);
        T *to = A + row * ld + (vector + v) * lanes<T>;
        for (Index i = 0; i < rows; i++, to += ld) {
          const vec<T> z = load(to) + b;
          store(to, relu ? (z > vec<T>{} ? z : vec<T>{}) : z);
        }
      }
      finish(row, rows, vector, vectors);
      if (packs_at_once(net, k + 1)) pack_activations(net, k + 1, Part<T>{row, rows, vector, vectors});
    });
  }
}

// delta of layer k times W^T, where gate (laid out like it) is above 0 or null, for rows begin..end-1.
template <class T, class Finish>
CHAINRULE_INLINE void half_backward(const Network<T> &net, Index k, const T *gate, Index begin, Index end,
                                    Finish finish) {
  if constexpr (has_half<T>) {
    const Layer<T> &layer = net.layer[k];
    const Neurons<T> &to = net.neurons[k];
    const HalfProduct product{net.half_neurons[k + 1].delta_rows,
                              net.half_layer[k].transposed,
                              layer.out,
                              layer.transposed_panels(),
                              to.delta,
                              to.ld,
                              layer.transposed_live,
                              gate};
    half_gemm(*net.half, product, begin, end, [&](Index row, Index rows, Index vector, Index vectors) {
      for (Index i = 0; gate && i < rows; i++)
        for (Index v = 0; v < vectors; v++) {
          const Index at = (row + i) * to.ld + (vector + v) * lanes<T>;
          store(to.delta + at, load(gate + at) > vec<T>{} ? load(to.delta + at) : vec<T>{});
        }
      finish(row, rows, vector, vectors);
      if (!to.whole_rows && in_half(net, k - 1)) pack_errors(net, k, Part<T>{row, rows, vector, vectors});
    });
  }
}

// dW times scale, of rows row..row+rows-1 (at most half_together) of micropanel p of layer k, from m rows, to C.
template <class T>
void half_gradient(const Network<T> &net, Index k, Index p, Index row, Index rows, Index m, T scale, T *C) {
  if constexpr (has_half<T>) {
    const Micropanels panels = net.layer[k].panels();
    const Index NV = panels.NV(p), NR = NV * half_rows, apart = half_tiles(net.capacity);
    const Half *A = net.half_neurons[k].columns + row / half_rows * apart;
    const Half *B = net.half_neurons[k + 1].delta_panels + half_padded(net.capacity) * panels.first(p) * half_rows;
    net.half->multiply({A, apart, B, NV, C, NR, m, rows});
    for (Index i = 0; i < rows * NR; i += lanes<T>) store(C + i, load(C + i) * broadcast(scale));
  }
}

// db times scale, of micropanel p of layer k: the errors of m rows, summed in float32.
template <class T> void bias_gradient(const Network<T> &net, Index k, Index p, Index m, T scale, T *C) {
  const Neurons<T> &to = net.neurons[k + 1];
  const Micropanels panels = net.layer[k].panels();
  const Index NV = panels.NV(p);
  const T one = 1;
  const Microtile<T> t{&one,
                       0,
                       to.delta + panels.first(p) * lanes<T>,
                       to.ld,
                       C,
                       NV * lanes<T>,
                       m,
                       Epilogue::None,
                       nullptr,
                       0,
                       (const char *)&one,
                       0,
                       scale};
  kernel_of<Microkernels<T, ColumnStored>>(1, int(NV))(t);
}

}  // namespace
