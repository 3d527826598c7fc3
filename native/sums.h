// Sums along a row: one order on every instruction set, and rounding errors that grow with the logarithm of its length.
//
// A row is summed in lanes of 64 bytes, whatever the vector length: element j in lane j mod (64 / sizeof(T)). Each lane
// is summed in blocks of 64 elements, the blocks pairwise, and the lanes half with half.
//
// Source: Higham, Accuracy and stability of numerical algorithms, 2002, chapter 4 (pairwise summation).
#pragma once

#include "masked.h"
#include "vmath.h"

namespace {

// Adds values pairwise, like the rounds of a tournament: level[k] is a sum of 2^k of them.
template <class V> struct PairwiseSum {
  V level[48];
  Index count = 0;

  CHAINRULE_INLINE void add(V value) {
    int k = 0;
    for (Index i = count++; i & 1; i >>= 1) value = level[k++] + value;
    level[k] = value;
  }
  CHAINRULE_INLINE V total() const {
    V sum{};
    int k = 0;
    for (Index i = count; i; i >>= 1, k++)
      if (i & 1) sum = level[k] + sum;
    return sum;
  }
};

inline constexpr Index summed_block = 64;  // values that are added one after the other

// f(begin) + ... + f(end - 1), vectors, one after the other.
template <class V, class F> CHAINRULE_INLINE V sum_in_order(Index begin, Index end, F f) {
  V sum{};
  for (Index j = begin; j < end; j++) sum = sum + f(j);
  return sum;
}

// f(0) + ... + f(width - 1), vectors.
template <class V, class F> CHAINRULE_INLINE V sum_of(Index width, F f) {
  if (width <= summed_block) return sum_in_order<V>(0, width, f);
  PairwiseSum<V> sum;
  for (Index begin = 0; begin < width; begin += summed_block)
    sum.add(sum_in_order<V>(begin, width - begin < summed_block ? width : begin + summed_block, f));
  return sum.total();
}

// 64 bytes of lanes: one vector or several.
template <class T> struct Lanes {
  static constexpr int vectors = 64 / vector_bytes, count = vectors * lanes<T>;
  vec<T> part[vectors] = {};
  CHAINRULE_INLINE Lanes operator+(const Lanes &other) const {
    Lanes sum;
    for (int v = 0; v < vectors; v++) sum.part[v] = part[v] + other.part[v];
    return sum;
  }
};

// Reduces the lanes of a vector by `op`, half with half, in one fixed order.
template <class T, int N, class Op> CHAINRULE_INLINE T reduce(const T *lane, Op op) {
  if constexpr (N == 1) {
    return *lane;
  } else {
    typedef T half __attribute__((vector_size(N / 2 * sizeof(T))));
    half low, high;
    __builtin_memcpy(&low, lane, sizeof low);
    __builtin_memcpy(&high, lane + N / 2, sizeof high);
    low = op(low, high);
    return reduce<T, N / 2>((const T *)&low, op);
  }
}
template <class V> CHAINRULE_INLINE element<V> largest(V v) {
  return reduce<element<V>, lanes<element<V>>>((const element<V> *)&v, [](auto a, auto b) { return a > b ? a : b; });
}
template <class V> CHAINRULE_INLINE element<V> total(V v) {
  return reduce<element<V>, lanes<element<V>>>((const element<V> *)&v, [](auto a, auto b) { return a + b; });
}

// The sum of the lanes, half with half.
template <class T> CHAINRULE_INLINE T total(Lanes<T> sum) {
  for (int half = Lanes<T>::vectors / 2; half; half /= 2)
    for (int v = 0; v < half; v++) sum.part[v] = sum.part[v] + sum.part[v + half];
  return total(sum.part[0]);
}

// The sum of a row of `width` elements. f(j) gives the vector of those from j on, with 0 in the lanes beyond the width.
template <class T, class F> CHAINRULE_INLINE T sum_along(Index width, F f) {
  constexpr Index step = Lanes<T>::count;
  return total(sum_of<Lanes<T>>((width + step - 1) / step, [&](Index k) {
    Lanes<T> now;
    for (int v = 0; v < Lanes<T>::vectors; v++) {
      const Index j = k * step + v * lanes<T>;
      if (j < width) now.part[v] = f(j);
    }
    return now;
  }));
}

}  // namespace
