// A network's memory in the core: one allocation at the start, from which everything is dealt out; none later.
#pragma once

#include "activations.h"
#include "costs.h"
#include "microkernel.h"
#include "optimizers.h"
#include "panels.h"

namespace {

using chainrule::chunk;

inline constexpr Index output_rows = 256;  // of the output layer that are handled together

// One layer of neurons for a batch: rows of n + 1 elements, the last of which is 1 (the activation that biases see).
template <class T> struct Neurons {
  Index n, ld;
  T *A, *Z, *delta;  // A as the next layer sees it; Z only where backward needs it
  T *sigma, *factor;  // under dropout: A before it, and what it was multiplied with
  chainrule::Activation activation;
  bool whole_rows;  // the activation is not elementwise
};

template <class T> struct Network {
  Index layers, capacity;  // layers of weights, and rows of a batch at most
  Layer<T> *layer;
  Neurons<T> *neurons;
  Index blocks;
  chainrule::Block *block;
  T *weights, *turned;
  T *gradient, *slot[2];
  T *mask;       // bits of 1 where there is a weight, laid out like the weights; null if no layer has a mask
  double *sums;  // of gradients, where a batch comes in chunks
  Index elements, parameters;
  T *targets, *term_weights, *row_scale;  // targets and weights of terms lie block by block
  double *row_cost, *row_weight, *dropout;
  T *scratch;  // a piece for each thread
  Index scratch_piece;
  int relu;
  bool drops;
  chainrule::Settings settings;
  Adjust<T> adjust;
  Index step;
  double factor;         // what the gradient is multiplied with before it moves the weights
  double pace[2];        // seconds per update with one thread and with several; 0 where not known
  Index windows, patience;  // since the slower number was tried, and until it is tried again
  void *memory;
};

// Memory dealt out piece by piece; without any, it only counts.
struct Arena {
  char *memory = nullptr;
  Index used = 0;
  template <class U> U *take(Index count) {
    U *found = memory ? (U *)(memory + used) : nullptr;
    used += (count * Index(sizeof(U)) + 63) / 64 * 64;
    return found;
  }
};

CHAINRULE_INLINE bool drops_from(const chainrule::Settings *s, Index hidden) {
  return s && s->dropout && s->dropout[hidden] > 0;
}

// Whether gradients go to memory: always but in a run whose update needs no look at the whole gradient first.
CHAINRULE_INLINE bool collects(const chainrule::Settings *s) {
  return !s || s->clip_norm < __builtin_inf() || s->batch > chunk;
}

template <class T> void deal_layers(Network<T> &net, const chainrule::Architecture &a, Arena &arena) {
  net.layer = arena.take<Layer<T>>(a.layers);
  net.elements = net.parameters = 0;
  Index turned = 0;
  for (Index k = 0; k < a.layers; k++) {
    Layer<T> layer{a.sizes[k], a.sizes[k + 1], net.elements, turned};
    net.elements += layer.elements();
    net.parameters += layer.rows() * layer.out;
    if (k) turned += layer.turned_elements();
    if (arena.memory) net.layer[k] = layer;
  }
  net.weights = arena.take<T>(net.elements);
  net.turned = arena.take<T>(turned);
}

template <class T> void deal_neurons(Network<T> &net, const chainrule::Architecture &a, const chainrule::Settings *s,
                                     Arena &arena) {
  net.neurons = arena.take<Neurons<T>>(a.layers + 1);
  net.dropout = arena.take<double>(a.layers);
  net.drops = false;
  for (Index l = 0; l <= a.layers; l++) {
    bool hidden = l > 0 && l < a.layers, dropped = hidden && drops_from(s, l - 1);
    Neurons<T> found{};
    found.n = a.sizes[l];
    found.ld = padded<T>(found.n + 1);
    if (found.ld * sizeof(T) % 1024 == 0) found.ld += lanes<T>;  // rows a page apart would share few lines of a cache
    Index size = net.capacity * found.ld + 16 * lanes<T>;
    if (hidden) found.activation = a.hidden[l - 1], found.whole_rows = !elementwise(found.activation);
    found.A = arena.take<T>(size);
    if (hidden && needs_z(found.activation)) found.Z = arena.take<T>(size);
    if (l > 0) found.delta = arena.take<T>(size);
    if (dropped) found.sigma = arena.take<T>(size), found.factor = arena.take<T>(size);
    net.drops |= dropped;
    if (arena.memory) net.neurons[l] = found;
    if (arena.memory && dropped) net.dropout[l] = s->dropout[l - 1];
  }
}

template <class T> void deal_output(Network<T> &net, const chainrule::Architecture &a, Arena &arena) {
  const Index n_L = a.sizes[a.layers];
  net.block = arena.take<chainrule::Block>(a.blocks);
  net.targets = arena.take<T>(net.capacity * n_L + lanes<T>);
  net.term_weights = arena.take<T>(net.capacity * n_L + lanes<T>);
  net.row_scale = arena.take<T>(net.capacity);
  net.row_cost = arena.take<double>(net.capacity);
  net.row_weight = arena.take<double>(net.capacity);
  net.scratch_piece = net.capacity * 3 * lanes<T>;  // a packed panel of delta
  for (Index b = 0; b < a.blocks; b++) {
    Index needed = block_scratch<T>(a.block[b], output_rows);
    net.scratch_piece = needed > net.scratch_piece ? needed : net.scratch_piece;
  }
  net.scratch_piece = padded<T>(net.scratch_piece) + 16 * lanes<T>;
}

template <class T> void deal(Network<T> &net, const chainrule::Architecture &a, const chainrule::Settings *s,
                             Arena &arena) {
  deal_layers(net, a, arena);
  deal_neurons(net, a, s, arena);
  deal_output(net, a, arena);
  const int slots = s ? rule_slots(s->rule) : 0;
  net.gradient = collects(s) ? arena.take<T>(net.elements) : nullptr;
  net.sums = !s || s->batch > chunk ? arena.take<double>(net.elements) : nullptr;
  for (int i = 0; i < 2; i++) net.slot[i] = i < slots ? arena.take<T>(net.elements) : nullptr;
  bool masked = false;
  for (Index k = 0; k < a.layers; k++) masked |= a.masks[k] != nullptr;
  net.mask = masked ? arena.take<T>(net.elements) : nullptr;
}

template <class T> void fill_masks(Network<T> &net, const chainrule::Architecture &a) {
  if (!net.mask) return;
  using Bits = typename simd<T>::integer;
  for (Index k = 0; k < net.layers; k++) {
    const Layer<T> &layer = net.layer[k];
    Panels panels = layer.panels();
    for (Index p = 0; p < panels.count(); p++) {
      const Index ld = panels.width(p) * lanes<T>, from = panels.first(p) * lanes<T>;
      Bits *to = (Bits *)(net.mask + layer.panel_at(p));
      for (Index i = 0; i < layer.rows(); i++)
        for (Index j = 0; j < ld && from + j < layer.out; j++)
          to[i * ld + j] = i == layer.in || !a.masks[k] || a.masks[k][i * layer.out + from + j] ? Bits(-1) : Bits(0);
    }
  }
}

template <class T> Adjust<T> adjustment(const chainrule::Settings &s) {
  Adjust<T> a;
  a.penalty = s.alpha != 0 || s.l1 != 0;
  a.alpha = T(s.alpha / s.divisor);
  a.l1 = T(s.l1 / s.divisor);
  a.bounded = s.clip_value < __builtin_inf();
  a.value = T(s.clip_value);
  return a;
}

template <class T> void drop(void *net) { chainrule::release(((Network<T> *)net)->memory); }

// The network for batches of `capacity` rows; settings are those of a run, or null. Null where memory is short.
template <class T> void *make(const chainrule::Architecture &a, const chainrule::Settings *s, Index capacity,
                              int threads) {
  Network<T> net{};
  net.layers = a.layers;
  net.blocks = a.blocks;
  net.capacity = capacity;
  net.relu = activation_kind("relu");
  if (s) net.settings = *s, net.adjust = adjustment<T>(*s);
  Arena arena;
  for (int round = 0; round < 2; round++) {
    Network<T> *self = arena.take<Network<T>>(1);
    deal(net, a, s, arena);
    net.scratch = arena.take<T>(net.scratch_piece * threads);
    if (round == 0) {
      arena.memory = (char *)chainrule::allocate(arena.used);
      if (!arena.memory) return nullptr;
      net.memory = arena.memory;
      arena.used = 0;
    } else {
      for (Index b = 0; b < a.blocks; b++) net.block[b] = a.block[b];
      fill_masks(net, a);
      *self = net;
    }
  }
  return net.memory;
}

template <class T> void turn_weights(Network<T> &net) {
  for (Index k = 1; k < net.layers; k++) turn_all(net.layer[k], net.weights, net.turned);
}

// theta (In) or slots to the arena, or back.
template <bool In, class T, class Row> void copy_all(const Network<T> &net, Row *flat, T *arena) {
  for (Index k = 0; k < net.layers; k++) {
    copy_panels<In>(net.layer[k], flat, arena);
    flat += net.layer[k].rows() * net.layer[k].out;
  }
}

template <class T> void set_theta(void *self, const void *theta) {
  auto &net = *(Network<T> *)self;
  copy_all<true>(net, (const T *)theta, net.weights);
  turn_weights(net);
}

template <class T> Index slots(const void *self) {
  auto &net = *(const Network<T> *)self;
  return (net.slot[0] != nullptr) + (net.slot[1] != nullptr);
}

template <class T> void get_slots(const void *self, void *to) {
  auto &net = *(const Network<T> *)self;
  for (Index i = 0; i < slots<T>(self); i++) copy_all<false>(net, (T *)to + i * net.parameters, net.slot[i]);
}

template <class T> void set_slots(void *self, const void *from, Index step) {
  auto &net = *(Network<T> *)self;
  for (Index i = 0; i < slots<T>(self); i++) copy_all<true>(net, (const T *)from + i * net.parameters, net.slot[i]);
  net.step = step;
}

}  // namespace
