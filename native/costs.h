// The costs: terms of C_x and delta = dC_x/dZ, for a tile of a block of output neurons.
//
// They are computed from z and the target t in one of two ways; the formulas are those of src/chainrule/costs.
//
//   from a    a cost without a logarithm after any activation: a = sigma(z), dC/da, then the pullback of sigma
//   fused     a pair of activation and cost in the list `Pairs`: terms and delta directly from z. A cost with a
//             logarithm exists only in pairs: where sigma saturates, a is 0 or 1 and has lost what the logarithm needs
//
// Order of the elements of a tile, so that no bit of a row depends on the rows beside it:
//
//   elementwise activation   row-major, no gaps            z00 z01 z10 z11 z20 z21 ...        a lane = any element
//   softmax, gaussian cost   column-major, VL rows         z00 z10 z20 ...                    column j = one vector,
//                                                          z01 z11 z21 ...                    a lane = one row
//
// Contract: a tile is made of whole vectors; lanes left over are 0. Its arrays do not overlap.
#pragma once

#include "activations.h"

namespace {

using chainrule::Block;

// rows × width elements of a block; element (r, j) is at r row_step + j column_step.
template <class T> struct Tile {
  Index rows, width, row_step, column_step;
  Index count;  // of elements with the lanes left over: whole vectors
  T *z, *a, *t, *term, *delta, *weight;
  double parameter;
};

template <class V> struct Errors {
  V term, delta;
};

// Costs from a. `term` and `delta` = dC/da of one output; c is the parameter. |e|' = 0 at e = a - t = 0.

struct ElementwiseCost {
  static constexpr bool elementwise = true, from_a = true, by_columns = false;
};
struct FromPairs {  // costs with a logarithm
  static constexpr bool elementwise = true, from_a = false, by_columns = false;
};

template <class V> CHAINRULE_INLINE V sign(V e) { return e > 0 ? all<V>(1) : e < 0 ? all<V>(-1) : e; }

struct Quadratic : ElementwiseCost {
  static constexpr const char *name = "quadratic";
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V a, V t, double) {
    V e = a - t;
    return {element<V>(0.5) * (e * e), e};
  }
};

struct BinaryCrossEntropy : FromPairs {
  static constexpr const char *name = "binary_cross_entropy";
};

struct CrossEntropy : FromPairs {
  static constexpr const char *name = "cross_entropy";
  static constexpr bool elementwise = false;
};

struct Absolute : ElementwiseCost {
  static constexpr const char *name = "absolute";
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V a, V t, double) {
    V e = a - t;
    return {magnitude(e), sign(e)};
  }
};

struct Huber : ElementwiseCost {  // c: delta
  static constexpr const char *name = "huber";
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V a, V t, double c) {
    using T = element<V>;
    const V limit = all<V>(T(c));
    V e = a - t, size = magnitude(e);
    return {size <= limit ? T(0.5) * size * size : limit * (size - T(0.5 * c)), larger(-limit, smaller(limit, e))};
  }
};

struct Poisson : FromPairs {
  static constexpr const char *name = "poisson";
};

struct Quantile : ElementwiseCost {  // c: q
  static constexpr const char *name = "quantile";
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V a, V t, double c) {
    using T = element<V>;
    V e = a - t, s = sign(e);
    return {e > 0 ? T(1 - c) * e : T(-c) * e, T(0.5 - c) * magnitude(s) + T(0.5) * s};
  }
};

// Outputs are pairs of a mean and a log variance, so a tile has whole rows, column by column, whatever the activation.
struct Gaussian {
  static constexpr const char *name = "gaussian";
  static constexpr bool elementwise = false, from_a = true, by_columns = true;
  template <class T> static void tile_errors(const Tile<T> &x);
};

using Costs = List<Quadratic, BinaryCrossEntropy, CrossEntropy, Absolute, Huber, Poisson, Quantile, Gaussian>;

// Pairs of elementwise activation and cost.

struct IdentityQuadratic {
  using Activation = Identity;
  using Cost = Quadratic;
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V z, V t) { return Quadratic::errors(z, t, 0); }
};

struct SigmoidBinary {
  using Activation = Sigmoid;
  using Cost = BinaryCrossEntropy;
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V z, V t) {
    V e = exp_of_minus_magnitude(z), rest = log1p_of_unit(e);
    V no = (z > 0 ? z : V{}) + rest, yes = (z < 0 ? -z : V{}) + rest;  // softplus(z), softplus(-z)
    return {t * yes + (1 - t) * no, sigmoid_from(z, e) - t};
  }
};

struct ExpPoisson {
  using Activation = Exp;
  using Cost = Poisson;
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V z, V t) {
    V a = exp(z);
    return {a - t * z, a - t};
  }
};

struct SigmoidCrossEntropy {
  using Activation = Sigmoid;
  using Cost = CrossEntropy;
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V z, V t) { return {t * softplus(-z), -t * sigmoid(-z)}; }
};

struct SigmoidPoisson {
  using Activation = Sigmoid;
  using Cost = Poisson;
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V z, V t) {
    V a = sigmoid(z);
    return {a + t * softplus(-z), (a - t) * sigmoid(-z)};
  }
};

struct SoftplusPoisson {  // ln a is z - e^z / 2 and sigma' / a is 1 - e^z / 2 far to the left
  using Activation = Softplus;
  using Cost = Poisson;
  static constexpr int far_left = -20;
  template <class V> static CHAINRULE_INLINE Errors<V> errors(V z, V t) {
    auto far = z < far_left;
    V a = softplus(z), slope = -expm1(-a), half = element<V>(0.5) * exp(z);
    V log_a = far ? z - half : log(a), share = far ? 1 - half : slope / a;
    return {a - t * log_a, slope - t * share};
  }
};

// Pairs of softmax: on tiles. Sums over columns are those of sums.h: rounding errors grow little with the width.

template <class T> CHAINRULE_INLINE vec<T> column(const T *of, Index j) { return load(of + j * lanes<T>); }
template <class T> CHAINRULE_INLINE void set_column(T *of, Index j, vec<T> v) { store(of + j * lanes<T>, v); }

template <class V> struct Shift {
  V max_z, log_sum;
};

// a = softmax(z); ln a_j = (z_j - max_z) - log_sum.
template <class T> CHAINRULE_INLINE Shift<vec<T>> softmax_columns(const T *z, T *a, Index width) {
  using V = vec<T>;
  V max_z = column(z, 0);
  for (Index j = 1; j < width; j++) max_z = larger(column(z, j), max_z);
  V sum = sum_of<V>(width, [&](Index j) {
    V e = exp_of_negative(column(z, j) - max_z);
    set_column(a, j, e);
    return e;
  });
  for (Index j = 0; j < width; j++) set_column(a, j, column(a, j) / sum);
  return {max_z, log(sum)};
}

// delta_i = a_i (g_i - sum_j g_j a_j), in place of g.
template <class T> CHAINRULE_INLINE void softmax_pull_back_columns(T *delta, const T *a, Index width) {
  vec<T> mean = sum_of<vec<T>>(width, [&](Index j) { return column(delta, j) * column(a, j); });
  for (Index j = 0; j < width; j++) set_column(delta, j, column(a, j) * (column(delta, j) - mean));
}

// The term of each pair is in the column of its mean; a last mean alone has the log variance 0.
template <class T> void Gaussian::tile_errors(const Tile<T> &x) {
  using V = vec<T>;
  for (Index j = 0; j < x.width; j += 2) {
    const bool pair = j + 1 < x.width;
    V e = column(x.a, j) - column(x.t, j), s = pair ? column(x.a, j + 1) : V{};
    V inverse = exp(T(-0.5) * s), u = e * inverse;  // 1 / sigma, and the error in units of sigma
    set_column(x.term, j, T(0.5) * (s + u * u));
    set_column(x.delta, j, u * inverse);
    if (!pair) continue;
    set_column(x.term, j + 1, V{});
    set_column(x.delta, j + 1, T(0.5) * (1 - u * u));
  }
}

template <class T> CHAINRULE_INLINE vec<T> sum_of_targets(const Tile<T> &x) {
  return sum_of<vec<T>>(x.width, [&](Index j) { return column(x.t, j); });
}

struct SoftmaxCrossEntropy {
  using Activation = Softmax;
  using Cost = CrossEntropy;
  template <class T> static void tile_errors(const Tile<T> &x) {
    auto [max_z, log_sum] = softmax_columns(x.z, x.a, x.width);
    vec<T> sum = sum_of_targets(x);
    for (Index j = 0; j < x.width; j++) {
      vec<T> t = column(x.t, j);
      set_column(x.term, j, -(t * (column(x.z, j) - max_z - log_sum)));
      set_column(x.delta, j, column(x.a, j) * sum - t);
    }
  }
};

struct SoftmaxPoisson {
  using Activation = Softmax;
  using Cost = Poisson;
  template <class T> static void tile_errors(const Tile<T> &x) {
    auto [max_z, log_sum] = softmax_columns(x.z, x.a, x.width);
    vec<T> sum = sum_of_targets(x);
    for (Index j = 0; j < x.width; j++) {
      vec<T> t = column(x.t, j), a = column(x.a, j);
      set_column(x.term, j, a - t * (column(x.z, j) - max_z - log_sum));
      set_column(x.delta, j, a * sum - t);
    }
  }
};

// delta_i = (1 - t_i) a_i - t_i (1 - a_i) + a_i sum_{j != i} (t_j - (1 - t_j) a_j / (1 - a_j)). For the first of the
// largest z, 1 - a comes from the sum of the others, and its part of delta_i is (1 - t) a times a_i / (1 - a).
struct SoftmaxBinary {
  using Activation = Softmax;
  using Cost = BinaryCrossEntropy;

  template <class T> static CHAINRULE_INLINE vec<T> index_of_max(const T *z, Index width) {
    vec<T> best = column(z, 0), index{};
    for (Index j = 1; j < width; j++) {
      auto better = column(z, j) > best;
      best = better ? column(z, j) : best;
      index = better ? all<vec<T>>(T(j)) : index;
    }
    return index;
  }

  // share_j = e^(z_j - second largest z) for all but the largest, stored in x.delta: their sum, and ln(1 - a) of the
  // largest.
  template <class V> struct Others {
    V sum, log_rest;
  };
  template <class T>
  static CHAINRULE_INLINE Others<vec<T>> other_shares(const Tile<T> &x, vec<T> argmax, Shift<vec<T>> shift) {
    using V = vec<T>;
    const V none = all<V>(-number<T>::infinity);
    V second = none;
    for (Index j = 0; j < x.width; j++) second = larger(argmax == T(j) ? none : column(x.z, j), second);
    auto alone = second == none;
    const V from = alone ? V{} : second;
    const V sum = sum_of<V>(x.width, [&](Index j) {
      V share = argmax == T(j) ? V{} : exp(column(x.z, j) - from);
      set_column(x.delta, j, share);
      return share;
    });
    return {sum, (alone ? V{} : second - shift.max_z - shift.log_sum) + log(sum)};
  }

  // t_j - (1 - t_j) a_j / (1 - a_j), which is t_j for the largest.
  template <class T> static CHAINRULE_INLINE vec<T> gain(const Tile<T> &x, vec<T> argmax, Index j) {
    const vec<T> t = column(x.t, j), a = column(x.a, j);
    auto is_max = argmax == T(j);
    return is_max ? t : t - (1 - t) * a / (is_max ? all<vec<T>>(1) : 1 - a);
  }

  template <class T> static void tile_errors(const Tile<T> &x) {
    using V = vec<T>;
    const V argmax = index_of_max(x.z, x.width), one = all<V>(1);
    const Shift<V> shift = softmax_columns(x.z, x.a, x.width);
    const Others<V> others = other_shares(x, argmax, shift);
    const V rest = exp(others.log_rest), divisor = others.sum == 0 ? one : others.sum;
    const V gains = sum_of<V>(x.width, [&](Index j) { return gain(x, argmax, j); });
    const V max_gain =
        sum_of<V>(x.width, [&](Index j) { return argmax == T(j) ? (1 - column(x.t, j)) * column(x.a, j) : V{}; });
    for (Index j = 0; j < x.width; j++) {
      auto is_max = argmax == T(j);
      V t = column(x.t, j), a = column(x.a, j), log_a = column(x.z, j) - shift.max_z - shift.log_sum;
      V log_no = is_max ? others.log_rest : log1p(-exp(is_max ? -one : log_a));
      V yes = t == 0 ? V{} : t * log_a, no = t == 1 ? V{} : log_no;
      set_column(x.term, j, -yes - (1 - t) * no);
      V from_others = a * (gains - gain(x, argmax, j)), from_max = max_gain * (column(x.delta, j) / divisor);
      set_column(x.delta, j, (1 - t) * a - t * (is_max ? rest : 1 - a) + from_others - from_max);
    }
  }
};

using Pairs = List<IdentityQuadratic, SigmoidBinary, SoftmaxCrossEntropy, ExpPoisson, SigmoidCrossEntropy,
                   SigmoidPoisson, SoftmaxBinary, SoftmaxPoisson, SoftplusPoisson>;

// Of a tile: terms and delta from z and t (a pair), or terms and dC/da from a and t (a cost).
template <class T> using ErrorFunction = void (*)(const Tile<T> &);

template <class T, class P> void pair_errors(const Tile<T> &x) {
  if constexpr (P::Activation::elementwise) {
    for (Index i = 0; i < x.count; i += lanes<T>) {
      Errors<vec<T>> errors = P::errors(load(x.z + i), load(x.t + i));
      store(x.term + i, errors.term);
      store(x.delta + i, errors.delta);
    }
  } else {
    P::template tile_errors<T>(x);
  }
}
template <class T, class C> void cost_errors(const Tile<T> &x) {
  if constexpr (C::by_columns)
    C::tile_errors(x);
  else if constexpr (C::from_a)
    for (Index i = 0; i < x.count; i += lanes<T>) {
      Errors<vec<T>> errors = C::errors(load(x.a + i), load(x.t + i), x.parameter);
      store(x.term + i, errors.term);
      store(x.delta + i, errors.delta);
    }
}

template <class A, class B> inline constexpr bool same = false;
template <class A> inline constexpr bool same<A, A> = true;
template <class S, class... All> constexpr int place_in(List<All...>) {
  int next = 0, place = -1;
  ((place = same<S, All> ? next : place, next++), ...);
  return place;
}

template <class T> struct PairTable {
  ErrorFunction<T> of[Activations::size][Costs::size] = {};
  template <class... P> constexpr explicit PairTable(List<P...>) {
    ((of[place_in<typename P::Activation>(Activations{})][place_in<typename P::Cost>(Costs{})] = pair_errors<T, P>),
     ...);
  }
};
template <class T> inline constexpr PairTable<T> pair_table{Pairs{}};
template <class T> CHAINRULE_INLINE ErrorFunction<T> errors_of_pair(const Block &block) {
  return pair_table<T>.of[block.activation.kind][block.cost];
}
template <class T, class... C> CHAINRULE_INLINE ErrorFunction<T> errors_of_cost(int kind, List<C...>) {
  static constexpr ErrorFunction<T> functions[] = {C::from_a ? cost_errors<T, C> : nullptr...};
  return functions[kind];
}

struct CostTraits {
  const char *name;
  bool elementwise, by_columns;
};
template <class... C> CHAINRULE_INLINE const CostTraits &traits_of_cost(int kind, List<C...>) {
  static constexpr CostTraits traits[] = {{C::name, C::elementwise, C::by_columns}...};
  return traits[kind];
}

// Whether a tile of the block has whole rows, column by column.
CHAINRULE_INLINE bool by_columns(const Block &block) {
  return !elementwise(block.activation) || traits_of_cost(block.cost, Costs{}).by_columns;
}

// The number of a name, -1 if there is none; the name of a number, null beyond the last.
[[maybe_unused]] CHAINRULE_INLINE const char *cost_name(int kind) {
  return kind >= 0 && kind < Costs::size ? traits_of_cost(kind, Costs{}).name : nullptr;
}
[[maybe_unused]] CHAINRULE_INLINE int cost_kind(const char *name) {
  for (int kind = 0; kind < Costs::size; kind++)
    if (same_text(name, cost_name(kind))) return kind;
  return -1;
}

// Whether the core can compute this activation with this cost.
[[maybe_unused]] CHAINRULE_INLINE bool goes_together(const Block &block) {
  return errors_of_pair<float>(block) || errors_of_cost<float>(block.cost, Costs{});
}

}  // namespace
