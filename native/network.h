// A network in the core: its packed weights, its slots and the arrays of a batch, all in one allocation at the start.
//
//    │ Network │ layers │ weights │ transposes │ neurons: A, Z, delta, ... │ targets, ... │ slots │ threads' scratch │
//
// Contract: every array begins at a multiple of 64 bytes. Rows of A, Z and delta are `ld` elements apart; ld >= n + 1
// and ld >= padded(n), so the micro-kernel may read and write whole vectors of every row, the last one too. Nothing
// touches memory past an array's last row: a build with the address sanitizer poisons it, and native/tests/core.cpp
// then shows it.
#pragma once

#include "activations.h"
#include "groups.h"
#include "half_kernels.h"
#include "many_classes.h"
#include "microkernel.h"
#include "optimizers.h"
#include "panels.h"
#include "sparse.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace {

using chainrule::chunk;
using chainrule::Half;
using chainrule::half_block;
using chainrule::half_padded;
using chainrule::half_rows;

inline constexpr Index output_rows = 256;  // rows of the output layer computed together
inline constexpr Index page_bytes = 4096;  // of memory
inline constexpr Index masked_vectors = 4, masked_rows = masked_vectors * lanes<double>;  // norms under masks together

// One layer of neurons for a batch: rows of n + 1 elements, the last of which is 1 (the activation that biases see).
template <class T> struct Neurons {
  Index n, ld;
  T *A, *Z, *delta;  // A as the next layer sees it; Z only where backward needs it
  T *panels;  // delta as micropanels of `capacity` rows, where the gradient packs columns of A; else null
  T *sigma, *factor;  // under dropout: A before it, and its factors
  chainrule::Activation activation;
  bool whole_rows;  // the activation is not elementwise
};

// Whether numbers of this type can be packed for half precision.
template <class T> inline constexpr bool has_half = sizeof(T) == sizeof(float) && vector_bytes == 64;

// Operands in half precision (half.h): a layer's W and W^T; a layer's activations and errors.
struct HalfLayer {
  Half *weights, *transposed;
};
struct HalfNeurons {
  Half *rows, *columns, *delta_rows, *delta_panels;
};

// What makes matrices orthogonal (orthogonal.h): the groups of neurons, and arrays for the largest hidden layer.
template <class T> struct Orthogonal {
  Index groups, *stop;
  T *Y, *next, *S, *Q;
  T *panels;  // Y as micropanels; null in half precision
  Half *rows, *next_rows, *columns, *half_panels;  // Y in half precision; else null, as what follows
  Half *S_rows, *S_panels, *Q_panels;
  T *most;  // of each thread's columns
  double *squares;  // of each column
};

template <class T> struct Network {
  Index layers, capacity;  // layers of weights; most rows of a batch
  Layer<T> *layer;
  Neurons<T> *neurons;
  Index blocks;
  chainrule::Block *block;
  T *weights, *transposed;  // packed
  T *gradient, *slot[3];
  bool blockwise;  // a batch goes through in blocks of KC rows
  T *mean;  // theta, where the rule takes the gradient at other weights; else null
  Orthogonal<T> orthogonal;
  const chainrule::HalfKernels *half;  // null but in half precision
  HalfLayer *half_layer;
  HalfNeurons *half_neurons;
  const chainrule::Matrix *sparse;  // X of the call, if it is sparse
  SparseColumns<T> columns;  // of its batch
  T *mask;  // all bits 1 where there is a weight, else 0, laid out like the weights; null if no layer has a mask
  double *sums;  // of gradients, where a batch comes in chunks
  Index elements, parameters;
  T *targets, *term_weights;  // targets and weights of terms are stored block by block
  int32_t *labels;  // classes in place of targets, block by block: of many classes
  double *row_cost, *row_weight, *dropout;
  double *rates;  // factors of the learning rate, one a layer of weights; null for none
  T *scratch;  // scratch_piece elements for each thread
  Index scratch_piece;
  int relu;
  chainrule::Settings settings;
  Adjust<T> adjust;
  Index step;
  bool loaded;  // the weights belong to theta and the slots, but for what changes theta outside
  double factor;  // of the gradient, before it moves the weights
  double pace[2];  // seconds per update with one thread and with several; 0 while not measured
  Index windows, patience;  // since the slower number was tried, and until it is tried again
  void *memory;
};

CHAINRULE_INLINE Index at_most(Index n, Index most) { return n < most ? n : most; }

// The rows of 0..rows-1 that are this thread's.
struct Share {
  Index begin, end;
  Share(Index rows, int thread, int threads) : begin(rows * thread / threads), end(rows * (thread + 1) / threads) {}
  // The same in whole units of rows.
  Share(Index rows, Index unit, int thread, int threads) : Share((rows + unit - 1) / unit, thread, threads) {
    begin = at_most(begin * unit, rows), end = at_most(end * unit, rows);
  }
};

// Hands out one allocation array by array; without memory it only adds up their sizes.
struct Arena {
  char *memory = nullptr;
  Index used = 0;

  template <class U> U *take(Index count) {
    U *array = memory ? (U *)(memory + used) : nullptr;
    const Index size = count * Index(sizeof(U)), next = (size + 63) / 64 * 64;
    used += next;
#if defined(__SANITIZE_ADDRESS__)
    used += 64;
    if (array) ASAN_POISON_MEMORY_REGION((char *)array + size, size_t(next + 64 - size));
#endif
    return array;
  }
};

CHAINRULE_INLINE bool drops_from(const chainrule::Settings *s, Index hidden) {
  return s && s->dropout && s->dropout[hidden] > 0;
}

// Whether gradients are collected in memory: always but in a run whose updates need no number of the whole gradient.
CHAINRULE_INLINE bool collects(const chainrule::Settings *s) {
  return !s || s->clip_norm < __builtin_inf() || s->batch > chunk || rule_by_matrix(s->rule);
}

CHAINRULE_INLINE bool has_masks(const chainrule::Architecture &a) {
  for (Index k = 0; k < a.layers; k++)
    if (a.masks[k]) return true;
  return false;
}

// Whether a batch goes through in blocks of KC rows: where it has several and their summed gradient stays in the cache.
// Then the activations and errors of a block stay there too until its gradient is added.
template <class T>
CHAINRULE_INLINE bool in_blocks(const Network<T> &net, const chainrule::Architecture &a, const chainrule::Settings *s) {
  return s && s->batch >= 2 * KC && s->batch <= chunk && net.elements * Index(sizeof(T)) <= 1 << 19 && !net.half &&
         !has_masks(a);
}

template <class T> void lay_out_layers(Network<T> &net, const chainrule::Architecture &a, Arena &arena) {
  net.layer = arena.take<Layer<T>>(a.layers);
  net.elements = net.parameters = 0;
  Index transposed = 0;
  for (Index k = 0; k < a.layers; k++) {
    Layer<T> layer{a.sizes[k], a.sizes[k + 1], net.elements, transposed, nullptr, nullptr};
    net.elements += layer.elements();
    net.parameters += layer.rows() * layer.out;
    if (k) transposed += layer.transposed_elements();
    if (a.masks[k]) layer.live = arena.take<Range>(layer.panels().count());
    if (a.masks[k]) layer.transposed_live = arena.take<Range>(layer.transposed_panels().count());
    if (arena.memory) net.layer[k] = layer;
  }
  net.weights = arena.take<T>(net.elements);
  net.transposed = arena.take<T>(net.half ? 0 : transposed);
}

// Elements between two rows of n neurons and the activation that is always 1.
template <class T> CHAINRULE_INLINE Index row_length(Index n) {
  const Index ld = padded<T>(n + 1);
  return ld * Index(sizeof(T)) % 1024 == 0 ? ld + lanes<T>
                                           : ld;  // rows a page apart would share few lines of the cache
}

// Whether every row of so many neurons is on other pages of memory.
template <class T> CHAINRULE_INLINE bool is_wide(Index n) { return row_length<T>(n) * Index(sizeof(T)) >= page_bytes; }

template <class T>
void lay_out_neurons(Network<T> &net, const chainrule::Architecture &a, const chainrule::Settings *s, Arena &arena) {
  net.neurons = arena.take<Neurons<T>>(a.layers + 1);
  net.dropout = arena.take<double>(a.layers);
  for (Index l = 0; l <= a.layers; l++) {
    bool hidden = l > 0 && l < a.layers, dropped = hidden && drops_from(s, l - 1);
    Neurons<T> x{};
    x.n = a.sizes[l];
    x.ld = row_length<T>(x.n);
    const Index size = net.capacity * x.ld;
    if (hidden) x.activation = a.hidden[l - 1], x.whole_rows = !elementwise(x.activation);
    x.A = arena.take<T>(size);
    if (hidden && needs_z(x.activation)) x.Z = arena.take<T>(size);
    if (l > 0) x.delta = arena.take<T>(size);
    if (l > 0 && is_wide<T>(a.sizes[l - 1]) && !net.half) x.panels = arena.take<T>(net.capacity * padded<T>(x.n));
    if (dropped) x.sigma = arena.take<T>(size), x.factor = arena.take<T>(size);
    if (arena.memory) net.neurons[l] = x;
    if (arena.memory && dropped) net.dropout[l] = s->dropout[l - 1];
  }
}

// Elements of a thread's scratch for norms under masks: squares of delta, and places in a row of a mask.
template <class T> Index masked_scratch(const chainrule::Architecture &a, const chainrule::Settings *s) {
  if (!has_masks(a) || (s && s->clip_example == __builtin_inf())) return 0;
  Index widest = 0;
  for (Index l = 1; l <= a.layers; l++) widest = a.sizes[l] > widest ? a.sizes[l] : widest;
  return (widest * masked_rows * Index(sizeof(double)) + (padded<T>(widest) + 1) * Index(sizeof(int32_t))) /
             Index(sizeof(T)) +
         1;
}

template <class T>
void lay_out_output(Network<T> &net, const chainrule::Architecture &a, const chainrule::Settings *s, Arena &arena) {
  const Index n_L = a.sizes[a.layers];
  net.block = arena.take<chainrule::Block>(a.blocks);
  net.targets = arena.take<T>(net.capacity * n_L);
  net.labels = arena.take<int32_t>(net.capacity * a.blocks);
  net.term_weights = arena.take<T>(net.capacity * n_L);
  net.row_cost = arena.take<double>(net.capacity);
  net.row_weight = arena.take<double>(net.capacity);
  net.scratch_piece = net.capacity * 3 * lanes<T>;  // a packed micropanel of delta
  for (Index l = 0; l < a.layers; l++)
    if (is_wide<T>(a.sizes[l])) {
      net.scratch_piece += net.capacity * MC;  // packed columns of A
      break;
    }
  for (Index b = 0; b < a.blocks; b++) {
    Index needed = block_scratch<T>(a.block[b], output_rows);
    net.scratch_piece = needed > net.scratch_piece ? needed : net.scratch_piece;
  }
  const Index masked = masked_scratch<T>(a, s);
  net.scratch_piece = masked > net.scratch_piece ? masked : net.scratch_piece;
  net.scratch_piece = (net.scratch_piece + 63) / 64 * 64;  // threads share no cache line
}

template <class T> void lay_out_orthogonal(Network<T> &net, const chainrule::Architecture &a, Arena &arena) {
  using chainrule::half_elements;
  Orthogonal<T> &o = net.orthogonal;
  Index n = 1, N = 1;  // the sides of a block are at most these
  for (Index k = 0; k + 1 < a.layers; k++) {
    const Index small = at_most(a.sizes[k], a.sizes[k + 1]), large = a.sizes[k] + a.sizes[k + 1] - small;
    n = small > n ? small : n, N = large > N ? large : N;
  }
  const Index ld = row_length<T>(n), width = padded<T>(n);
  o.stop = arena.take<Index>((a.sizes[1] + 3) * a.layers);
  o.Y = arena.take<T>(N * ld), o.next = arena.take<T>(N * ld);
  o.S = arena.take<T>(n * ld), o.Q = arena.take<T>(n * ld);
  if (net.half) {
    o.rows = arena.take<Half>(half_elements(N, n)), o.next_rows = arena.take<Half>(half_elements(N, n));
    o.columns = arena.take<Half>(half_elements(n, N)), o.half_panels = arena.take<Half>(half_padded(N) * width);
    o.S_rows = arena.take<Half>(half_elements(n, n)), o.S_panels = arena.take<Half>(half_padded(n) * width);
    o.Q_panels = arena.take<Half>(half_padded(n) * width);
  } else {
    o.panels = arena.take<T>(N * width);
  }
  o.most = arena.take<T>(chainrule::most_threads), o.squares = arena.take<double>(n);
  if (arena.memory) o.groups = find_groups(a, o.stop);
}

template <class T> void lay_out_half(Network<T> &net, const chainrule::Architecture &a, Arena &arena) {
  using chainrule::half_elements;
  net.half_layer = arena.take<HalfLayer>(a.layers);
  net.half_neurons = arena.take<HalfNeurons>(a.layers + 1);
  const Index rows = half_padded(net.capacity);
  for (Index l = 0; l <= a.layers; l++) {
    const Index n = a.sizes[l], width = padded<T>(n);
    HalfNeurons x{};
    if (l < a.layers) x.rows = arena.take<Half>(half_elements(rows, n));
    if (l < a.layers) x.columns = arena.take<Half>(half_elements(n, rows));
    if (l > 1) x.delta_rows = arena.take<Half>(half_elements(rows, n));
    if (l > 0) x.delta_panels = arena.take<Half>(rows * width);
    HalfLayer w{};
    if (l < a.layers) w.weights = arena.take<Half>(half_padded(n) * padded<T>(a.sizes[l + 1]));
    if (l > 0 && l < a.layers) w.transposed = arena.take<Half>(half_padded(a.sizes[l + 1]) * width);
    if (arena.memory) net.half_neurons[l] = x;
    if (arena.memory && l < a.layers) net.half_layer[l] = w;
  }
}

template <class T>
void lay_out(Network<T> &net, const chainrule::Architecture &a, const chainrule::Settings *s, Arena &arena) {
  lay_out_layers(net, a, arena);
  net.blockwise = in_blocks(net, a, s);
  if (net.blockwise) net.capacity = KC;
  lay_out_neurons(net, a, s, arena);
  lay_out_output(net, a, s, arena);
  const int slots = s ? rule_slots(s->rule) : 0;
  net.rates = s && s->rates ? arena.take<double>(a.layers) : nullptr;
  for (Index k = 0; arena.memory && net.rates && k < a.layers; k++) net.rates[k] = s->rates[k];
  net.gradient = net.blockwise || collects(s) ? arena.take<T>(net.elements) : nullptr;
  net.sums = !s || s->batch > chunk ? arena.take<double>(net.elements) : nullptr;
  for (int i = 0; i < 3; i++) net.slot[i] = i < slots ? arena.take<T>(net.elements) : nullptr;
  net.mean = s && rule_averages(s->rule) ? arena.take<T>(net.elements) : nullptr;
  if (s && rule_by_matrix(s->rule)) lay_out_orthogonal(net, a, arena);
  if (net.half) lay_out_half(net, a, arena);
  net.mask = has_masks(a) ? arena.take<T>(net.elements) : nullptr;
}

template <class T> void fill_masks(Network<T> &net, const chainrule::Architecture &a) {
  if (!net.mask) return;
  using Bits = typename simd<T>::integer;
  for (Index k = 0; k < net.layers; k++) {
    const Layer<T> &layer = net.layer[k];
    Micropanels panels = layer.panels();
    for (Index p = 0; p < panels.count(); p++) {
      const Index NR = panels.NV(p) * lanes<T>, from = panels.first(p) * lanes<T>;
      Bits *to = (Bits *)(net.mask + layer.panel_at(p));
      for (Index i = 0; i < layer.rows(); i++)
        for (Index j = 0; j < NR && from + j < layer.out; j++)
          to[i * NR + j] = i == layer.in || !a.masks[k] || a.masks[k][i * layer.out + from + j] ? Bits(-1) : Bits(0);
    }
  }
}

// For each micropanel, of columns, the range of rows outside of which is_weight(column, row) is false.
template <class T, class IsWeight>
void fill_live(Range *live, Micropanels panels, Index columns, Index rows, IsWeight is_weight) {
  for (Index p = 0; p < panels.count(); p++) {
    const Index from = panels.first(p) * lanes<T>, stop = from + panels.NV(p) * lanes<T>;
    const auto any = [&](Index row) {
      for (Index j = from; j < stop && j < columns; j++)
        if (is_weight(j, row)) return true;
      return false;
    };
    Range range{0, rows};
    while (range.begin < range.end && !any(range.begin)) range.begin++;
    while (range.end > range.begin && !any(range.end - 1)) range.end--;
    live[p] = range;
  }
}

template <class T> void fill_live(Network<T> &net, const chainrule::Architecture &a) {
  for (Index k = 0; k < net.layers; k++) {
    const Layer<T> &layer = net.layer[k];
    const unsigned char *mask = a.masks[k];
    if (!mask) continue;
    const auto is_weight = [&](Index i, Index j) { return mask[i * layer.out + j] != 0; };
    fill_live<T>((Range *)layer.live, layer.panels(), layer.out, layer.in,
                 [&](Index j, Index i) { return is_weight(i, j); });
    fill_live<T>((Range *)layer.transposed_live, layer.transposed_panels(), layer.in, layer.out, is_weight);
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

template <class T> void drop(void *self) {
  auto &net = *(Network<T> *)self;
  net.columns.release();
  chainrule::release(net.memory);
}

// The network for batches of `capacity` rows; settings are those of a run, or null. Null where memory is short.
template <class T> void *make(const chainrule::Architecture &a, const chainrule::Settings *s, Index capacity,
                              int threads) {
  Network<T> net{};
  net.layers = a.layers;
  net.blocks = a.blocks;
  net.capacity = capacity;
  net.relu = activation_kind("relu");
  if (s) net.settings = *s, net.adjust = adjustment<T>(*s), net.half = has_half<T> ? s->half : nullptr;
  Arena arena;
  for (int round = 0; round < 2; round++) {
    Network<T> *self = arena.take<Network<T>>(1);
    lay_out(net, a, s, arena);
    net.scratch = arena.take<T>(net.scratch_piece * threads);
    if (round == 0) {
      arena.memory = (char *)chainrule::allocate(arena.used);
      if (!arena.memory) return nullptr;
      net.memory = arena.memory;
      arena.used = 0;
    } else {
      for (Index b = 0; b < a.blocks; b++) net.block[b] = a.block[b];
      fill_masks(net, a);
      fill_live(net, a);
      *self = net;
    }
  }
  return net.memory;
}

// Rows begin..end-1 of micropanel p of W of layer k, for forward and transposed for backward; begin is a multiple of
// half_block.
template <class T> void pack_weights(const Network<T> &net, Index k, Index p, Index begin, Index end) {
  if constexpr (has_half<T>) {
    const Layer<T> &layer = net.layer[k];
    const HalfLayer &to = net.half_layer[k];
    const Micropanels panels = layer.panels(), others = layer.transposed_panels();
    const Index NV = panels.NV(p), NR = NV * half_rows, at = panels.first(p) * half_rows;
    const T *panel = net.weights + layer.panel_at(p);
    Half *own = to.weights + half_padded(layer.in) * at;
    end = at_most(end, layer.in);
    for (Index i = begin; i < end; i += half_block)
      net.half->pack_panel({panel + i * NR, NR, at_most(end - i, half_block), NR}, NV, own + i * NR);
    for (Index i = begin; k && i < end; i += half_rows) {
      const Index q = others.containing(i / half_rows), ldt = 2 * others.NV(q) * half_rows;
      Half *block = to.transposed + half_padded(layer.out) * others.first(q) * half_rows;
      block += 2 * (i - others.first(q) * half_rows) + at / 2 * ldt;
      net.half->pack_transposed({panel + i * NR, NR, at_most(end - i, half_rows), NR}, block, ldt);
    }
  }
}

// What the passes need of rows begin..end-1 of micropanel p of W, after these moved: W^T, or operands in half
// precision.
template <class T>
CHAINRULE_INLINE void pack_moved(const Network<T> &net, Index k, Index p, Index begin, Index end) {
  if (net.half) {
    if (k || !net.sparse) pack_weights(net, k, p, begin, end);
  } else if (k) {
    transpose_panel(net.layer[k], net.weights, net.transposed, p, begin, end);
  }
}

template <class T> void pack_all(const Network<T> &net) {
  for (Index k = 0; k < net.layers; k++)
    for (Index p = 0; p < net.layer[k].panels().count(); p++) pack_moved(net, k, p, 0, net.layer[k].in);
}

// theta or slots, laid out like theta, to packed weights, or back.
template <Direction direction, class T, class Row> void copy_weights(const Network<T> &net, Row *flat, T *packed) {
  for (Index k = 0; k < net.layers; k++) {
    copy_layer<direction>(net.layer[k], flat, packed);
    flat += net.layer[k].rows() * net.layer[k].out;
  }
}

// Elements begin..end-1 of the weights where a rule that averages takes the gradient: between the mean and the last
// point.
template <class T> void set_gradient_point(Network<T> &net, Index begin, Index end) {
  const vec<T> rest1 = broadcast(T(1 - net.settings.rule.parameter[0]));
  for (Index i = begin; i < end; i += lanes<T>)
    store(net.weights + i, ScheduleFree<T>::point(rest1, load(net.mean + i), load(net.slot[0] + i)));
}

template <class T> void set_theta(void *self, const void *theta) {
  auto &net = *(Network<T> *)self;
  copy_weights<Pack>(net, (const T *)theta, net.mean ? net.mean : net.weights);
  if (net.mean) set_gradient_point(net, 0, net.elements);
  pack_all(net);
  net.loaded = false;
}

template <class T> Index slots(const void *self) {
  auto &net = *(const Network<T> *)self;
  Index count = 0;
  for (const T *slot : net.slot) count += slot != nullptr;
  return count;
}

template <class T> void get_slots(const void *self, void *to) {
  auto &net = *(const Network<T> *)self;
  for (Index i = 0; i < slots<T>(self); i++) copy_weights<Unpack>(net, (T *)to + i * net.parameters, net.slot[i]);
}

template <class T> void set_slots(void *self, const void *from, Index step) {
  auto &net = *(Network<T> *)self;
  for (Index i = 0; i < slots<T>(self); i++) copy_weights<Pack>(net, (const T *)from + i * net.parameters, net.slot[i]);
  net.step = step;
  net.loaded = false;
}

}  // namespace
