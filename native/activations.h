// The activations: one struct each, and its name in the list at the end, which gives it its number, name and loops.
//
//   activate    A = sigma(Z)               rows of z, in place; z itself is saved where backward needs it
//   pull_back   delta = G sigma'(Z)        for softmax the true Jacobian: a_i (g_i - sum_j g_j a_j)
//
// Rows are `ld` apart and made of whole vectors: lanes of the last one beyond `width` are padding. The formulas are
// those of src/chainrule/activations, NaN and sigma'(0) included.
#pragma once

#include "sums.h"
#include "types.h"

namespace {

using chainrule::Activation;

// Most activations: applied element by element, sigma' computed from a. slope(saved, c) gets z where needs_z, else a; c
// is the parameter.
struct Elementwise {
  static constexpr bool elementwise = true, needs_z = false;
};

struct Identity : Elementwise {
  static constexpr const char *name = "identity";
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return z; }
  template <class V> static CHAINRULE_INLINE V slope(V, V) { return all<V>(1); }
};

struct Sigmoid : Elementwise {
  static constexpr const char *name = "sigmoid";
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return sigmoid(z); }
  template <class V> static CHAINRULE_INLINE V slope(V a, V) { return a * (1 - a); }
};

struct Tanh : Elementwise {
  static constexpr const char *name = "tanh";
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return tanh(z); }
  template <class V> static CHAINRULE_INLINE V slope(V a, V) { return (1 - a) * (1 + a); }
};

struct Relu : Elementwise {
  static constexpr const char *name = "relu";
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return z > 0 ? z : V{}; }
  template <class V> static CHAINRULE_INLINE V slope(V a, V) { return a > 0 ? all<V>(1) : V{}; }
};

struct Relu6 : Elementwise {
  static constexpr const char *name = "relu6";
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return z > 0 ? (z < 6 ? z : all<V>(6)) : V{}; }
  template <class V> static CHAINRULE_INLINE V slope(V a, V) { return a > 0 ? (a < 6 ? all<V>(1) : V{}) : V{}; }
};

struct LeakyRelu : Elementwise {  // c: the slope below 0
  static constexpr const char *name = "leaky_relu";
  template <class V> static CHAINRULE_INLINE V value(V z, V c) { return z > 0 ? z : c * z; }
  template <class V> static CHAINRULE_INLINE V slope(V a, V c) { return a > 0 ? all<V>(1) : c; }
};

struct Prelu : LeakyRelu {  // c: the slope below 0, of any sign, so that a does not tell that of z
  static constexpr const char *name = "prelu";
  static constexpr bool needs_z = true;
};

struct Elu : Elementwise {  // c: alpha
  static constexpr const char *name = "elu";
  template <class V> static CHAINRULE_INLINE V value(V z, V c) { return z > 0 ? z : c * expm1(z > 0 ? V{} : z); }
  template <class V> static CHAINRULE_INLINE V slope(V a, V c) { return a > 0 ? all<V>(1) : a + c; }
};

struct Selu : Elementwise {
  static constexpr const char *name = "selu";
  static constexpr double alpha = 1.6732632423543772, scale = 1.0507009873554805;
  template <class V> static CHAINRULE_INLINE V value(V z, V) {
    return element<V>(scale) * Elu::value(z, all<V>(element<V>(alpha)));
  }
  template <class V> static CHAINRULE_INLINE V slope(V a, V) {
    return a > 0 ? all<V>(element<V>(scale)) : a + element<V>(scale * alpha);
  }
};

struct Gelu : Elementwise {
  static constexpr const char *name = "gelu";
  static constexpr bool needs_z = true;
  static constexpr double one_over_sqrt_2_pi = 0.3989422804014327;
  template <class V> static CHAINRULE_INLINE V value(V z, V) {
    V bell;
    return z * normal_distribution(z, bell);
  }
  template <class V> static CHAINRULE_INLINE V slope(V z, V) {
    V bell, distribution = normal_distribution(z, bell);
    return distribution + z * (bell * element<V>(one_over_sqrt_2_pi));
  }
};

struct Silu : Elementwise {
  static constexpr const char *name = "silu";
  static constexpr bool needs_z = true;
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return z * sigmoid(z); }
  template <class V> static CHAINRULE_INLINE V slope(V z, V) {
    V e = exp_of_minus_magnitude(z);
    return sigmoid_from(z, e) * (1 + z * sigmoid_from(-z, e));
  }
};

// tanh(ln(1 + e^z)) = p / (p + q), and the sigmoid.
struct Mish : Elementwise {
  static constexpr const char *name = "mish";
  static constexpr bool needs_z = true;
  template <class V> static CHAINRULE_INLINE void ratio(V z, V e, V &p, V &q) {
    p = z > 0 ? 1 + 2 * e : e * (e + 2);
    q = z > 0 ? 2 * e * e : all<V>(2);
  }
  template <class V> static CHAINRULE_INLINE V value(V z, V) {
    V p, q;
    ratio(z, exp_of_minus_magnitude(z), p, q);
    return z * (p / (p + q));
  }
  template <class V> static CHAINRULE_INLINE V slope(V z, V) {
    V p, q, e = exp_of_minus_magnitude(z);
    ratio(z, e, p, q);
    const V w = p / (p + q);
    return w + z * (q / (p + q)) * (1 + w) * sigmoid_from(z, e);
  }
};

struct Softplus : Elementwise {
  static constexpr const char *name = "softplus";
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return softplus(z); }
  template <class V> static CHAINRULE_INLINE V slope(V a, V) { return -expm1(-a); }
};

struct Softsign : Elementwise {
  static constexpr const char *name = "softsign";
  static constexpr bool needs_z = true;
  template <class V> static CHAINRULE_INLINE V size(V z) { return 1 + (z > 0 ? z : -z); }
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return z / size(z); }
  template <class V> static CHAINRULE_INLINE V slope(V z, V) {
    const V share = 1 / size(z);
    return share * share;
  }
};

struct HardTanh : Elementwise {
  static constexpr const char *name = "hardtanh";
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return z > 1 ? all<V>(1) : z < -1 ? all<V>(-1) : z; }
  template <class V> static CHAINRULE_INLINE V slope(V a, V) { return a < 1 ? (a > -1 ? all<V>(1) : V{}) : V{}; }
};

struct Sine : Elementwise {  // c: omega
  static constexpr const char *name = "sine";
  static constexpr bool needs_z = true;
  template <class V> static CHAINRULE_INLINE V value(V z, V c) { return sine<0>(c * z); }
  template <class V> static CHAINRULE_INLINE V slope(V z, V c) { return c * sine<1>(c * z); }
};

struct Exp : Elementwise {
  static constexpr const char *name = "exp";
  template <class V> static CHAINRULE_INLINE V value(V z, V) { return exp(z); }
  template <class V> static CHAINRULE_INLINE V slope(V a, V) { return a; }
};

struct Softmax {
  static constexpr const char *name = "softmax";
  static constexpr bool elementwise = false, needs_z = false;
};

template <class... S> struct List {
  static constexpr int size = sizeof...(S);
};
using Activations = List<Identity, Sigmoid, Tanh, Relu, Relu6, LeakyRelu, Prelu, Elu, Selu, Gelu, Silu, Mish, Softplus,
                         Softsign, HardTanh, Sine, Exp, Softmax>;

// a_j = e^(z_j - max z) / sum_k e^(z_k - max z) for one row of `width` elements; z and a are the same or do not
// overlap.
template <class T> void softmax_row(const T *z, T *a, Index width) {
  constexpr int VL = lanes<T>;
  vec<T> max_z = broadcast(-number<T>::infinity);
  for (Index j = 0; j < width; j += VL) max_z = larger(load_first(z + j, width - j, -number<T>::infinity), max_z);
  const vec<T> shift = broadcast(largest(max_z));
  const T sum = sum_along<T>(width, [&](Index j) {
    vec<T> e = exp(load_first(z + j, width - j, -number<T>::infinity) - shift);
    e = width - j < VL ? (first_lanes<T>(width - j) ? e : vec<T>{}) : e;
    store_first(a + j, width - j, e);
    return e;
  });
  const vec<T> divisor = broadcast(sum);
  for (Index j = 0; j < width; j += VL) store_first(a + j, width - j, load_first(a + j, width - j, T(0)) / divisor);
}

// delta_i = a_i (g_i - sum_j g_j a_j) for one row, in place of g.
template <class T> void softmax_pull_back_row(T *delta, const T *a, Index width) {
  constexpr int VL = lanes<T>;
  const vec<T> mean = broadcast(sum_along<T>(
      width, [&](Index j) { return load_first(delta + j, width - j, T(0)) * load_first(a + j, width - j, T(0)); }));
  for (Index j = 0; j < width; j += VL) {
    vec<T> g = load_first(a + j, width - j, T(0)) * (load_first(delta + j, width - j, T(0)) - mean);
    store_first(delta + j, width - j, g);
  }
}

// The lanes of a row beyond its width become 0.
template <class T> CHAINRULE_INLINE void clear_beyond(T *row, Index width, Index vectors) {
  for (Index j = width; j < vectors * lanes<T>; j++) row[j] = 0;
}

template <class T, class S>
void activate_rows(double parameter, T *A, T *Z, Index ld, Index rows, Index vectors, Index width) {
  const vec<T> c = broadcast(T(parameter));
  for (Index r = 0; r < rows; r++, A += ld, Z = Z ? Z + ld : Z) {
    if (Z)
      for (Index v = 0; v < vectors; v++) store(Z + v * lanes<T>, load(A + v * lanes<T>));
    if constexpr (S::elementwise) {
      for (Index v = 0; v < vectors; v++) store(A + v * lanes<T>, S::value(load(A + v * lanes<T>), c));
    } else {
      softmax_row(A, A, width);
      clear_beyond(A, width, vectors);
    }
  }
}

template <class T, class S>
void pull_back_rows(double parameter, T *delta, Index ld_delta, const T *saved, Index ld_saved, Index rows,
                    Index vectors, Index width) {
  const vec<T> c = broadcast(T(parameter));
  for (Index r = 0; r < rows; r++, delta += ld_delta, saved += ld_saved) {
    if constexpr (S::elementwise) {
      for (Index j = 0; j < vectors * lanes<T>; j += lanes<T>)
        store(delta + j, load(delta + j) * S::slope(load(saved + j), c));
    } else {
      softmax_pull_back_row(delta, saved, width);
      clear_beyond(delta, width, vectors);
    }
  }
}

// The loops over rows, by the number of the activation.
template <class T> struct Loops {
  void (*activate)(double, T *, T *, Index, Index, Index, Index);
  void (*pull_back)(double, T *, Index, const T *, Index, Index, Index, Index);
};
template <class T, class... S> CHAINRULE_INLINE const Loops<T> &loops_of(int kind, List<S...>) {
  static constexpr Loops<T> loops[] = {{activate_rows<T, S>, pull_back_rows<T, S>}...};
  return loops[kind];
}

// A holds z and gets sigma(z); Z, laid out like A, gets z if it is not null.
template <class T>
CHAINRULE_INLINE void activate(Activation s, T *A, T *Z, Index ld, Index rows, Index vectors, Index width) {
  loops_of<T>(s.kind, Activations{}).activate(s.parameter, A, Z, ld, rows, vectors, width);
}

// delta holds dC/dA and gets dC/dZ; `saved` is Z where needs_z, else A.
template <class T>
CHAINRULE_INLINE void pull_back(Activation s, T *delta, Index ld_delta, const T *saved, Index ld_saved, Index rows,
                                Index vectors, Index width) {
  loops_of<T>(s.kind, Activations{}).pull_back(s.parameter, delta, ld_delta, saved, ld_saved, rows, vectors, width);
}

struct Traits {
  const char *name;
  bool elementwise, needs_z;
};
template <class... S> CHAINRULE_INLINE const Traits &traits_of(int kind, List<S...>) {
  static constexpr Traits traits[] = {{S::name, S::elementwise, S::needs_z}...};
  return traits[kind];
}

CHAINRULE_INLINE bool same_text(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

// The number of a name, -1 if there is none; the name of a number, null beyond the last.
[[maybe_unused]] CHAINRULE_INLINE const char *activation_name(int kind) {
  return kind >= 0 && kind < Activations::size ? traits_of(kind, Activations{}).name : nullptr;
}
[[maybe_unused]] CHAINRULE_INLINE int activation_kind(const char *name) {
  for (int kind = 0; kind < Activations::size; kind++)
    if (same_text(name, activation_name(kind))) return kind;
  return -1;
}
[[maybe_unused]] CHAINRULE_INLINE bool needs_z(Activation s) { return traits_of(s.kind, Activations{}).needs_z; }
[[maybe_unused]] CHAINRULE_INLINE bool elementwise(Activation s) {
  return traits_of(s.kind, Activations{}).elementwise;
}

}  // namespace
