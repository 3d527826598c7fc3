// The activations and costs behind plain C functions, for tests/native/test_functions.py to compare with the Python
// registry. Compiled once per instruction set into a small shared library.
#include "../output.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int kind_of_activation(const char *name) { return activation_kind(name); }
EXPORT int kind_of_cost(const char *name) { return cost_kind(name); }
EXPORT const char *name_of_activation(int kind) { return activation_name(kind); }
EXPORT const char *name_of_cost(int kind) { return cost_name(kind); }
EXPORT int is_elementwise(int kind) { return elementwise(Activation{kind, 0}); }
EXPORT int keeps_z(int kind) { return needs_z(Activation{kind, 0}); }
EXPORT int goes_together(const Block *block) { return goes_together(*block); }

#define FOR_TYPE(T, suffix)                                                                                          \
  EXPORT Index lanes_##suffix() { return lanes<T>; }                                                                 \
  EXPORT void activate_##suffix(const Activation *s, T *A, T *Z, Index ld, Index rows, Index width) {                \
    activate<T>(*s, A, Z, ld, rows, padded<T>(width) / lanes<T>, width);                                             \
  }                                                                                                                  \
  EXPORT void pull_back_##suffix(const Activation *s, T *delta, const T *saved, Index ld, Index rows, Index width) { \
    pull_back<T>(*s, delta, ld, saved, ld, rows, padded<T>(width) / lanes<T>, width);                                \
  }                                                                                                                  \
  EXPORT void block_values_##suffix(const Block *block, const T *Z, T *A, Index ld, Index rows) {                    \
    block_values<T>(*block, Z, ld, A, ld, rows);                                                                     \
  }                                                                                                                  \
  EXPORT Index block_scratch_##suffix(const Block *block, Index rows) { return block_scratch<T>(*block, rows); }     \
  EXPORT void block_errors_##suffix(const Block *block, Index rows, const T *Z, const T *target, const T *weight,    \
                                    T *delta, Index ld, double *cost, T *scratch) {                                  \
    block_errors<T>(*block, rows, Z, ld, target, weight, delta, ld, cost, scratch);                                  \
  }

FOR_TYPE(float, f32)
FOR_TYPE(double, f64)
