// The length of the whole collected gradient, for clipping by its norm.
//
//    |g| = most sqrt(sum of (g_ij / most)^2)        most = max |g_ij|: no square overflows or vanishes
//
// The squares are added in float64 in 8 lanes, i and j ascending as in theta, element j in lane j mod 8, then half with
// half. So the order depends neither on the micropanels (whose padding adds 0) nor on the vectors.
#pragma once

#include "network.h"

namespace {

// The largest |g_i| as it is in memory, where infinity is above all numbers and NaN above infinity. `count` is a
// multiple of the vector length.
template <class T> T largest_magnitude(const T *g, Index count) {
  mask<T> most{};
  for (Index i = 0; i < count; i += lanes<T>) {
    const mask<T> size = bits(magnitude(load(g + i)));
    most = size > most ? size : most;
  }
  mask<T> largest{};
  for (int i = 0; i < lanes<T>; i++) largest[0] = most[i] > largest[0] ? most[i] : largest[0];
  return from_bits(largest)[0];
}

// As many numbers as doubles fit into a vector, as doubles.
CHAINRULE_INLINE f64v load_wide(const double *p) { return load(p); }
CHAINRULE_INLINE f64v load_wide(const float *p) {
  typedef float half __attribute__((vector_size(vector_bytes / 2), aligned(alignof(float)), may_alias));
  return __builtin_convertvector(*(const half *)p, f64v);
}

// Adds square(elements) for all elements of a layer, a vector of doubles at a time, to its lanes.
template <class T, class Square>
CHAINRULE_INLINE void add_squares(const Layer<T> &layer, const T *packed, Lanes<double> &sum, Square square) {
  constexpr Index VL = lanes<double>, parts = Lanes<double>::vectors;
  const Micropanels panels = layer.panels();
  for (Index i = 0; i < layer.rows(); i++)
    for (Index p = 0; p < panels.count(); p++) {
      const Index NR = panels.NV(p) * lanes<T>, from = panels.first(p) * lanes<T>;
      const T *g = packed + layer.panel_at(p) + i * NR;
      for (Index j = 0; j < NR; j += VL) {
        vec<double> &part = sum.part[(from + j) / VL % parts];
        part = part + square(load_wide(g + j));
      }
    }
}

// Multiplies and adds once rounded: only then is the quotient by `Ratio` the right one.
#if defined(__AVX512F__) || defined(__FMA__) || (defined(__ARM_NEON) && defined(__aarch64__))
inline constexpr bool fused = true;
#else
inline constexpr bool fused = false;
#endif

// g / most for numbers of float precision, with the bits of the division in double precision and three operations in
// its place. q = g * (1 / most) is off by less than 2 units of its last place, and the fused remainder g - q most is
// exact. What is added last, remainder * (1 / most), is off by less than 2^-51 units, while a quotient of two numbers
// of 24 bits is at least 2^-25 units away from every number where rounding changes.
struct Ratio {
  vec<double> most, inverse;
  explicit Ratio(double divisor) : most(broadcast(divisor)), inverse(broadcast(1 / divisor)) {}
  CHAINRULE_INLINE vec<double> operator()(vec<double> g) const {
    const vec<double> q = g * inverse;
    return fma(fma(-q, most, g), inverse, q);
  }
};

template <class T, class Quotient> Lanes<double> squares_of(const Network<T> &net, Quotient quotient) {
  Lanes<double> sum;
  for (Index k = 0; k < net.layers; k++)
    add_squares(net.layer[k], net.gradient, sum, [&](vec<double> g) {
      const vec<double> share = quotient(g);
      return share * share;
    });
  return sum;
}

// min(1, norm / |g|) for the collected gradient; NaN where an element is not finite.
template <class T> double clip_factor(const Network<T> &net, double norm) {
  constexpr double least = 1e-30;
  const double largest = largest_magnitude(net.gradient, net.elements), most = largest > least ? largest : least;
  if (!(largest < __builtin_inf())) return __builtin_nan("");
  const bool exact = fused && sizeof(T) == sizeof(float) && largest > least;
  const Lanes<double> sum =
      exact ? squares_of(net, Ratio(most)) : squares_of(net, [by = broadcast(most)](vec<double> g) { return g / by; });
  const double length = most * __builtin_sqrt(total(sum));
  return length > norm ? norm / length : 1;
}

}  // namespace
