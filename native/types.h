// The types that the API and the instruction sets share: plain numbers, filled in by the API, read by every pass.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chainrule {

using Index = std::ptrdiff_t;  // rows, neurons, elements

// An activation: its index in the list of activations.h, and its parameter (slope, alpha), if it has one.
struct Activation {
  int kind;
  double parameter;
};

// Neurons start..stop-1 of the output layer, with their activation and cost (its index in the list of costs.h).
struct Block {
  Activation activation;
  int cost;
  double cost_parameter;  // delta of huber, q of quantile
  int start, stop;
};

// Sizes n_1..n_L, the hidden layers' activations, masks (1 byte a weight, row-major; null for a layer without one),
// blocks.
struct Architecture {
  Index layers;  // of weights, L - 1
  const Index *sizes;
  const Activation *hidden;
  const unsigned char *const *masks;
  Index blocks;
  const Block *block;
};

// An update rule: its index in the list of optimizers.h, and its parameters in the order given there.
struct Rule {
  int kind;
  double parameter[6];
};

struct HalfKernels;

struct Settings {
  Rule rule;
  Index batch;
  double divisor, alpha, l1;
  const double *dropout;  // one probability a hidden layer; null for none
  const double *rates;  // one factor of the learning rate a layer of weights, 0 for a frozen one; null for none
  double clip_norm, clip_value, clip_example;  // infinite for none
  uint64_t seed;
  const HalfKernels *half;  // for products in half precision; null for those of the network's type
};

enum Kind : int { None = 0, Float32 = 1, Float64 = 2, Int32 = 3 };

// A matrix anywhere in memory; strides in bytes, of either sign. A sparse one has offsets and places (see sparse.h).
struct Matrix {
  const char *data;
  int kind;
  Index rows, columns;
  Index row_stride, column_stride;
  const int64_t *offsets;
  const int32_t *places;
};

// Examples: T is (n, n_L) numbers or (n, blocks) classes; weight is None, (n, 1) or (n, n_L).
struct Examples {
  Matrix X, T, weight;
  bool by_term;  // whether the weights are those of terms
};

inline constexpr int most_threads = 64;
inline constexpr Index chunk = 8192;  // rows of a batch in memory at most; a larger batch is summed chunk by chunk

// A call of `steps`: update k uses rows order[k m..] and rates[k], and is batch first_batch + k of its epoch.
struct Steps {
  Examples examples;
  const int64_t *order;
  Index rows;
  const double *rates;
  Index updates;
  Index epoch, first_batch;
  double seconds;  // after which it returns
  double *costs;
};

// Threads, their barrier, and a clock.
struct Team {
  int threads;
  void (*run)(int threads, void (*work)(void *, int thread, int threads), void *context);
  void (*barrier)(int threads);
  double (*now)();
  bool always;  // use all of them for every update, however small: for tests
};

// One instruction set and one element type: all that the API calls. `net` is a pointer from `make`.
struct Engine {
  void *(*make)(const Architecture &, const Settings *, Index capacity, int threads);  // null where memory is short
  void (*drop)(void *net);
  void (*set_theta)(void *net, const void *theta);
  Index (*steps)(void *net, void *theta, const Steps &, const Team &);  // the updates made; -1 where memory is short
  Index (*slots)(const void *net);
  void (*get_slots)(const void *net, void *slots);
  void (*set_slots)(void *net, const void *slots, Index step);
  bool (*predict)(const void *net, const Matrix &X, void *out, const Team &);  // false where memory is short
  double (*cost)(void *net, const Examples &, const Team &);
  // false where memory is short
  bool (*gradient)(void *net, const Examples &, double divisor, double alpha, double l1, void *out, const Team &);
  void (*second_moments)(void *net, const Examples &, void *out, const Team &);
  void (*norms)(void *net, const Examples &, double *out, const Team &);
  // epoch and batch draw the dropout of a run
  void (*ledger)(void *net, const Examples &, Index epoch, Index batch, void *out, double *costs, const Team &);
};

// All that one object exports.
struct Core {
  const char *name;
  int vector_bytes;
  Engine f32, f64;
  int (*activation)(const char *name);  // the index in the list, or -1
  int (*cost)(const char *name);
  int (*rule)(const char *name);
  bool (*goes_together)(const Block &);  // whether its activation and cost go together
};

// Zeroed memory at a multiple of 64 bytes; null if it is short.
void *allocate(Index bytes);
void release(void *);

}  // namespace chainrule
