// A network in training: forward, the errors, the gradients and the update, batch after batch.
//
// An update has two phases, and threads meet after each: in the first every thread takes some rows of the batch through
// forward, cost and backward, with the weights as they were; in the second every thread takes some tiles of weights,
// sums their gradient over the batch and moves them. The scaled weights s / m of the examples enter with delta^L.
//
//    neuron layers   A[0] ─W[0]→ A[1] ─W[1]→ ... → A[H]      A[l]: rows of n_l + 1, the last is 1
//                         delta[1] ←      ... ← delta[H]
#pragma once

#include "activations.h"
#include "costs.h"
#include "dropout.h"
#include "gemm.h"
#include "optimizers.h"

namespace {

using chainrule::Matrix;
using chainrule::Team;

inline constexpr long most_layers = 1 << 12;
inline constexpr long output_rows = 256;  // of the output layer, handled together

template <class T> struct Neurons {
  long n, ld;           // neurons, and elements from row to row: n + 1 padded
  T *A, *Z, *delta;     // A as the next layer sees it; Z where backward needs it
  T *sigma, *factor;    // under dropout: A before it, and its factors
};

// Memory handed out piece by piece; the first time around it only counts.
struct Arena {
  char *at = nullptr;
  long used = 0;
  template <class U> U *take(long count) {
    long bytes = (count * long(sizeof(U)) + 63) / 64 * 64;
    U *found = at ? (U *)(at + used) : nullptr;
    used += bytes;
    return found;
  }
};

template <class T> CHAINRULE_INLINE T number_at(const char *p, int kind) {
  switch (kind) {
    case chainrule::Float32: { float x; __builtin_memcpy(&x, p, 4); return T(x); }
    case chainrule::Float64: { double x; __builtin_memcpy(&x, p, 8); return T(x); }
    default: { int32_t x; __builtin_memcpy(&x, p, 4); return T(x); }
  }
}

// Row `row` of a matrix, columns from..from+count-1, as T.
template <class T> CHAINRULE_INLINE void copy_row(const Matrix &M, long row, long from, long count, T *to) {
  const char *p = M.data + row * M.row_stride + from * M.column_stride;
  const bool plain = M.kind == (sizeof(T) == 4 ? chainrule::Float32 : chainrule::Float64) && M.column_stride == long(sizeof(T));
  long j = 0;
  if (plain)
    for (; j + lanes<T> <= count; j += lanes<T>) store(to + j, load((const T *)p + j));
  for (; j < count; j++) to[j] = number_at<T>(p + j * M.column_stride, M.kind);
}

template <class T> struct Network {
  static constexpr int W = lanes<T>;
  long layers, capacity;  // H layers of weights; rows of a batch at most
  Layer<T> *layer;
  Neurons<T> *neurons;
  bool *softened;  // whether a layer of neurons is not elementwise
  long blocks;
  chainrule::Block *block;
  T *weights, *turned, *gradient;  // `gradient` only in the plan that stores it
  T *slot[2], *mask;               // masks as bits, laid out like the weights; null where no layer has one
  bool *masked;
  long elements, parameters;
  T *targets, *term_weights, *row_scale, *scratch;
  double *row_cost, *row_weight;
  long scratch_of_thread;
  // of a run
  bool trains;
  chainrule::Settings settings;
  double *dropout;
  bool drops;
  long step;
  int threads_of_scratch;
  void *memory;
};

inline constexpr int most_threads = 64;

template <class T> long widest(const chainrule::Architecture &a) {
  long found = 0;
  for (long l = 0; l <= a.layers; l++) found = a.sizes[l] > found ? a.sizes[l] : found;
  return found;
}

// Whether gradients are stored: the length of a gradient must be known before any weight moves.
inline bool stores_gradient(const chainrule::Settings *s) { return !s || s->clip_norm < __builtin_inf(); }

template <class T> void lay_out(Network<T> &net, const chainrule::Architecture &a, const chainrule::Settings *s, Arena &arena) {
  const long H = a.layers, cap = net.capacity;
  net.layer = arena.take<Layer<T>>(H);
  net.neurons = arena.take<Neurons<T>>(H + 1);
  net.softened = arena.take<bool>(H + 1);
  net.masked = arena.take<bool>(H);
  net.block = arena.take<chainrule::Block>(a.blocks);
  net.dropout = arena.take<double>(H);
  long elements = 0, turned = 0, parameters = 0;
  bool any_mask = false, drops = false;
  for (long k = 0; k < H; k++) {
    Layer<T> layer{a.sizes[k], a.sizes[k + 1], k + 1 < H ? a.hidden[k] : chainrule::Activation{0, 0}, elements, turned};
    elements += layer.elements();
    parameters += layer.rows() * layer.out;
    if (k) turned += layer.turned_elements();
    any_mask |= a.masks[k] != nullptr;
    if (s && s->dropout && k + 1 < H) drops |= s->dropout[k] > 0;
    if (arena.at) net.layer[k] = layer;
  }
  for (long l = 0; l <= H; l++) {
    long n = a.sizes[l], ld = padded<T>(n + 1);
    if (ld * long(sizeof(T)) % 1024 == 0) ld += W_of<T>();  // rows a page apart would share few lines of the cache
    bool hidden = l > 0 && l < H, dropped = hidden && s && s->dropout && s->dropout[l - 1] > 0;
    Neurons<T> found{n, ld, nullptr, nullptr, nullptr, nullptr, nullptr};
    long size = (cap + 16) * ld;
    found.A = arena.take<T>(size);
    if (hidden && needs_z(a.hidden[l - 1])) found.Z = arena.take<T>(size);
    if (l > 0) found.delta = arena.take<T>(size);
    if (dropped) found.sigma = arena.take<T>(size), found.factor = arena.take<T>(size);
    if (arena.at) net.neurons[l] = found, net.softened[l] = hidden && !elementwise(a.hidden[l - 1]);
  }
  const int slots = s ? rule_slots(s->rule) : 0;
  net.weights = arena.take<T>(elements);
  net.turned = arena.take<T>(turned);
  net.gradient = stores_gradient(s) ? arena.take<T>(elements) : nullptr;
  for (int i = 0; i < 2; i++) net.slot[i] = i < slots ? arena.take<T>(elements) : nullptr;
  net.mask = any_mask ? arena.take<T>(elements) : nullptr;
  const long n_L = a.sizes[H];
  net.targets = arena.take<T>(cap * n_L + W_of<T>());
  net.term_weights = arena.take<T>(cap * n_L + W_of<T>());
  net.row_scale = arena.take<T>(cap);
  net.row_cost = arena.take<double>(cap);
  net.row_weight = arena.take<double>(cap);
  long most = 0;
  for (long b = 0; b < a.blocks; b++) {
    long needed = block_scratch<T>(a.block[b], output_rows);
    most = needed > most ? needed : most;
  }
  long packed = cap * 3 * W_of<T>();
  net.scratch_of_thread = padded<T>(most > packed ? most : packed) + W_of<T>();
  net.scratch = arena.take<T>(net.scratch_of_thread * net.threads_of_scratch);
  net.elements = elements;
  net.parameters = parameters;
  net.drops = drops;
}
