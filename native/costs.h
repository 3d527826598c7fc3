// The costs and BP1: what a block of output neurons costs each row, and its error delta = dC_x/dZ.
//
// A road leads from z and the target t to the terms of C_x and to delta. Costs without a logarithm take the road over
// a = sigma(z): any cost, then the pullback of any activation. A pair of activation and cost in the list of pairs has a
// road of its own from z, where the road over a would lose everything; a cost with a logarithm has no other. The formulas
// are those of src/chainrule/costs.
//
// Numbers are gathered into a work place, so that no lane is wasted on narrow blocks:
//
//   elementwise activation   row by row without gaps       z00 z01 z10 z11 z20 z21 ...        any lane, any number
//   softmax                  a tile of `lanes` rows,       z00 z10 z20 ...                     column j = one vector,
//                            column by column              z01 z11 z21 ...                     a lane = one row
//
// So no bit of a row depends on the rows beside it. Lanes left over hold zeros.
#pragma once

#include "activations.h"

namespace {

using chainrule::Block;

// Numbers of `rows` rows of a block, or of a piece of its columns: (r, j) lies at r row_step + j column_step.
template <class T> struct Work {
  Index rows, width, row_step, column_step;
  Index count;  // of numbers with those left over: whole vectors
  T *z, *a, *t, *term, *delta, *weight;
  double parameter;
};

template <class V> struct Errors {
  V term, delta;
};

// Costs over a. `term` and `slope` = dC/da of one output; c is the parameter. |e|' = 0 at e = a - t = 0.

struct ElementwiseCost {
  static constexpr bool elementwise = true, over_a = true;
};
struct FromPairs {  // costs with a logarithm
  static constexpr bool elementwise = true, over_a = false;
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

using Costs = List<Quadratic, BinaryCrossEntropy, CrossEntropy, Absolute, Huber, Poisson, Quantile>;

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

// Pairs of softmax: on tiles. Sums over columns are cut into blocks, so that rounding errors grow little with the width.

// f(0) + ... + f(width - 1), vectors.
template <class V, class F> CHAINRULE_INLINE V sum_of(Index width, F f) {
  V sum{};
  for (Index begin = 0; begin < width; begin += 64) {
    V part{};
    for (Index j = begin; j < width && j < begin + 64; j++) part = part + f(j);
    sum = sum + part;
  }
  return sum;
}

template <class T> CHAINRULE_INLINE vec<T> column(const T *of, Index j) { return load(of + j * lanes<T>); }
template <class T> CHAINRULE_INLINE void set_column(T *of, Index j, vec<T> v) { store(of + j * lanes<T>, v); }

template <class V> struct Shift {
  V top, log_sum;
};

// a = softmax(z); ln a_j = (z_j - top) - log_sum.
template <class T> CHAINRULE_INLINE Shift<vec<T>> softmax_columns(const T *z, T *a, Index width) {
  using V = vec<T>;
  V top = column(z, 0);
  for (Index j = 1; j < width; j++) top = larger(column(z, j), top);
  V sum = sum_of<V>(width, [&](Index j) {
    V e = exp_of_negative(column(z, j) - top);
    set_column(a, j, e);
    return e;
  });
  for (Index j = 0; j < width; j++) set_column(a, j, column(a, j) / sum);
  return {top, log(sum)};
}

// delta_i = a_i (g_i - sum_j g_j a_j), in place of g.
template <class T> CHAINRULE_INLINE void softmax_pull_back_columns(T *delta, const T *a, Index width) {
  vec<T> mean = sum_of<vec<T>>(width, [&](Index j) { return column(delta, j) * column(a, j); });
  for (Index j = 0; j < width; j++) set_column(delta, j, column(a, j) * (column(delta, j) - mean));
}

template <class T> CHAINRULE_INLINE vec<T> sum_of_targets(const Work<T> &x) {
  return sum_of<vec<T>>(x.width, [&](Index j) { return column(x.t, j); });
}

struct SoftmaxCrossEntropy {
  using Activation = Softmax;
  using Cost = CrossEntropy;
  template <class T> static void road(const Work<T> &x) {
    auto [top, log_sum] = softmax_columns(x.z, x.a, x.width);
    vec<T> sum = sum_of_targets(x);
    for (Index j = 0; j < x.width; j++) {
      vec<T> t = column(x.t, j);
      set_column(x.term, j, -(t * (column(x.z, j) - top - log_sum)));
      set_column(x.delta, j, column(x.a, j) * sum - t);
    }
  }
};

struct SoftmaxPoisson {
  using Activation = Softmax;
  using Cost = Poisson;
  template <class T> static void road(const Work<T> &x) {
    auto [top, log_sum] = softmax_columns(x.z, x.a, x.width);
    vec<T> sum = sum_of_targets(x);
    for (Index j = 0; j < x.width; j++) {
      vec<T> t = column(x.t, j), a = column(x.a, j);
      set_column(x.term, j, a - t * (column(x.z, j) - top - log_sum));
      set_column(x.delta, j, a * sum - t);
    }
  }
};

// delta_i = (1 - t_i) a_i - t_i (1 - a_i) + a_i sum_{j != i} (t_j - (1 - t_j) a_j / (1 - a_j)). For the first of the
// largest z, the top, 1 - a comes from the others' sum, and its part of delta_i is (1 - t) a times a_i / (1 - a).
struct SoftmaxBinary {
  using Activation = Softmax;
  using Cost = BinaryCrossEntropy;

  template <class T> static vec<T> place_of_top(const T *z, Index width) {
    vec<T> best = column(z, 0), place{};
    for (Index j = 1; j < width; j++) {
      auto better = column(z, j) > best;
      best = better ? column(z, j) : best;
      place = better ? all<vec<T>>(T(j)) : place;
    }
    return place;
  }

  template <class T> static void road(const Work<T> &x) {
    using V = vec<T>;
    const V place = place_of_top(x.z, x.width), none = all<V>(-number<T>::infinity), one = all<V>(1);
    auto is_top = [&](Index j) { return place == T(j); };
    auto [top, log_sum] = softmax_columns(x.z, x.a, x.width);

    // share_j = e^(z_j - second) for all but the top, kept in x.delta
    V second = none;
    for (Index j = 0; j < x.width; j++) second = larger(is_top(j) ? none : column(x.z, j), second);
    auto alone = second == none;
    V from = alone ? V{} : second;
    V others = sum_of<V>(x.width, [&](Index j) {
      V share = is_top(j) ? V{} : exp(column(x.z, j) - from);
      set_column(x.delta, j, share);
      return share;
    });
    V log_no_top = (alone ? V{} : second - top - log_sum) + log(others), no_top = exp(log_no_top);
    V divisor = others == 0 ? one : others;

    auto gain = [&](Index j) {
      V t = column(x.t, j), a = column(x.a, j);
      return is_top(j) ? t : t - (1 - t) * a / (is_top(j) ? one : 1 - a);
    };
    V gains = sum_of<V>(x.width, gain);
    V at_top = sum_of<V>(x.width, [&](Index j) { return is_top(j) ? (1 - column(x.t, j)) * column(x.a, j) : V{}; });

    for (Index j = 0; j < x.width; j++) {
      V t = column(x.t, j), a = column(x.a, j), log_a = column(x.z, j) - top - log_sum;
      V log_no = is_top(j) ? log_no_top : log1p(-exp(is_top(j) ? -one : log_a));
      V yes = t == 0 ? V{} : t * log_a, no = t == 1 ? V{} : log_no;
      set_column(x.term, j, -yes - (1 - t) * no);
      V rest = a * (gains - gain(j)), from_top = at_top * (column(x.delta, j) / divisor);
      set_column(x.delta, j, (1 - t) * a - t * (is_top(j) ? no_top : 1 - a) + rest - from_top);
    }
  }
};

using Pairs = List<IdentityQuadratic, SigmoidBinary, SoftmaxCrossEntropy, ExpPoisson, SigmoidCrossEntropy,
                   SigmoidPoisson, SoftmaxBinary, SoftmaxPoisson, SoftplusPoisson>;

// Terms and delta from z, t (a pair), or terms and dC/da from a, t (a cost).
template <class T> using Road = void (*)(const Work<T> &);

template <class T, class P> void pair_road(const Work<T> &x) {
  if constexpr (P::Activation::elementwise) {
    for (Index i = 0; i < x.count; i += lanes<T>) {
      Errors<vec<T>> found = P::errors(load(x.z + i), load(x.t + i));
      store(x.term + i, found.term);
      store(x.delta + i, found.delta);
    }
  } else {
    P::template road<T>(x);
  }
}
template <class T, class C> void cost_road(const Work<T> &x) {
  if constexpr (C::over_a)
    for (Index i = 0; i < x.count; i += lanes<T>) {
      Errors<vec<T>> found = C::errors(load(x.a + i), load(x.t + i), x.parameter);
      store(x.term + i, found.term);
      store(x.delta + i, found.delta);
    }
}

template <class A, class B> inline constexpr bool same = false;
template <class A> inline constexpr bool same<A, A> = true;
template <class S, class... All> constexpr int place_in(List<All...>) {
  int place = 0, found = -1;
  ((found = same<S, All> ? place : found, place++), ...);
  return found;
}

template <class T> struct PairRoads {
  Road<T> of[Activations::size][Costs::size] = {};
  template <class... P> constexpr explicit PairRoads(List<P...>) {
    ((of[place_in<typename P::Activation>(Activations{})][place_in<typename P::Cost>(Costs{})] = pair_road<T, P>), ...);
  }
};
template <class T> inline constexpr PairRoads<T> pair_roads{Pairs{}};
template <class T> CHAINRULE_INLINE Road<T> road_of_pair(const Block &block) {
  return pair_roads<T>.of[block.activation.kind][block.cost];
}
template <class T, class... C> CHAINRULE_INLINE Road<T> road_of_cost(int kind, List<C...>) {
  static constexpr Road<T> found[] = {C::over_a ? cost_road<T, C> : nullptr...};
  return found[kind];
}

struct CostTraits {
  const char *name;
  bool elementwise;
};
template <class... C> CHAINRULE_INLINE const CostTraits &traits_of_cost(int kind, List<C...>) {
  static constexpr CostTraits found[] = {{C::name, C::elementwise}...};
  return found[kind];
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

// Whether activation and cost go together at all.
[[maybe_unused]] CHAINRULE_INLINE bool has_road(const Block &block) {
  return road_of_pair<float>(block) || road_of_cost<float>(block.cost, Costs{});
}

inline constexpr Index piece = 512;  // numbers of an elementwise block that are worked on together

// f(first row, rows, first column, columns) for the pieces of rows × width numbers.
template <class F> CHAINRULE_INLINE void pieces(Index rows, Index width, F f) {
  for (Index j = 0; j < width; j += piece) {
    const Index columns = width - j < piece ? width - j : piece, most = piece / columns;
    for (Index r = 0; r < rows; r += most) f(r, rows - r < most ? rows - r : most, j, columns);
  }
}

// Number (r, j) of every row r and column j from one place to another.
template <class T>
CHAINRULE_INLINE void move_rows(const T *from, Index row, Index column, T *to, Index to_row, Index to_column,
                                const Work<T> &x) {
  if (column == 1 && to_column == 1 && x.width > 1) {
    for (Index r = 0; r < x.rows; r++) copy_numbers(from + r * row, x.width, to + r * to_row);
  } else {
    for (Index j = 0; j < x.width; j++)
      for (Index r = 0; r < x.rows; r++) to[r * to_row + j * to_column] = from[r * row + j * column];
  }
}

// The numbers of `from`, rows ld apart, to their places; zeros to those left over.
template <class T> CHAINRULE_INLINE void gather(const T *from, Index ld, const Work<T> &x, T *to) {
  const Index numbers = x.rows * x.width;
  if (ld == x.row_step) {  // without gaps here and there
    for (Index i = 0; i < x.count; i += lanes<T>) store(to + i, load_first(from + i, numbers - i, T(0)));
    return;
  }
  if (numbers < x.count)
    for (Index i = x.column_step == 1 ? x.count - lanes<T> : 0; i < x.count; i += lanes<T>) store(to + i, vec<T>{});
  move_rows(from, ld, 1, to, x.row_step, x.column_step, x);
}
template <class T> CHAINRULE_INLINE void scatter(const T *from, const Work<T> &x, T *to, Index ld) {
  move_rows(from, x.row_step, x.column_step, to, ld, 1, x);
}

// A^L of the block's columns for `rows` rows of Z; nothing else of A is written. A may be Z.
template <class T> void block_values(const Block &block, const T *Z, Index ldz, T *A, Index lda, Index rows) {
  const Index width = block.stop - block.start;
  Z += block.start, A += block.start;
  if (!elementwise(block.activation)) {
    for (Index r = 0; r < rows; r++) softmax_row(Z + r * ldz, A + r * lda, width);
    return;
  }
  alignas(64) T buffer[piece];
  pieces(rows, width, [&](Index r, Index height, Index j, Index columns) {
    Work<T> x{height, columns, columns, 1, padded<T>(height * columns), {}, buffer, {}, {}, {}, {}, 0};
    gather(Z + r * ldz + j, ldz, x, buffer);
    activate<T>(block.activation, buffer, nullptr, x.count, 1, x.count / lanes<T>, x.count);
    scatter(buffer, x, A + r * lda + j, lda);
  });
}

// Elements of scratch that block_errors needs.
template <class T> Index block_scratch(const Block &block, Index) {
  return 6 * (elementwise(block.activation) ? piece : lanes<T> * Index(block.stop - block.start));
}

template <class T> CHAINRULE_INLINE void multiply_by(T *what, const T *weight, Index count) {
  for (Index i = 0; i < count; i += lanes<T>) store(what + i, load(what + i) * load(weight + i));
}

// The road over a: value, cost, weights of the terms, pullback.
template <class T> CHAINRULE_INLINE void road_over_a(const Block &block, const Work<T> &x) {
  const Activation s = block.activation;
  if (elementwise(s))
    activate<T>(s, x.a, x.z, x.count, 1, x.count / lanes<T>, x.count);
  else
    softmax_columns(x.a, x.a, x.width);
  road_of_cost<T>(block.cost, Costs{})(x);
  if (x.weight) multiply_by(x.delta, x.weight, x.count);
  if (elementwise(s))
    pull_back<T>(s, x.delta, x.count, needs_z(s) ? x.z : x.a, x.count, 1, x.count / lanes<T>, x.count);
  else
    softmax_pull_back_columns(x.delta, x.a, x.width);
}

// cost[r] += sum_j of row r's terms in float64, j ascending; a cost of one term a row has the weight of its first column.
template <class T> CHAINRULE_INLINE void add_terms(const Block &block, const Work<T> &x, double *cost) {
  constexpr int W = lanes<T>;
  const bool by_row = x.weight && !traits_of_cost(block.cost, Costs{}).elementwise;
  if (x.weight && !by_row) multiply_by(x.term, x.weight, x.count);
  if (x.width == 1 && !by_row) {
    for (Index r = 0; r < x.rows; r++) cost[r] += double(x.term[r]);
    return;
  }
  for (Index r = 0; r < x.rows; r += W) {
    const Index n = x.rows - r < W ? x.rows - r : W;
    double sum[W] = {};
    for (Index j = 0; j < x.width; j++)
      for (Index i = 0; i < n; i++) sum[i] += double(x.term[(r + i) * x.row_step + j * x.column_step]);
    for (Index i = 0; i < n; i++) cost[r + i] += by_row ? sum[i] * double(x.weight[(r + i) * x.row_step]) : sum[i];
  }
}

// Terms and delta of the numbers gathered from Z, target and weight (ld_target apart) into the scratch of `x`.
template <class T>
CHAINRULE_INLINE void piece_errors(const Block &block, const Work<T> &x, const T *Z, Index ldz, const T *target,
                                   const T *weight, Index ld_target, T *delta, Index ldd, double *cost) {
  const Road<T> pair = road_of_pair<T>(block);
  gather(Z, ldz, x, pair ? x.z : x.a);
  gather(target, ld_target, x, x.t);
  if (weight) gather(weight, ld_target, x, x.weight);
  if (pair) {
    pair(x);
    if (weight) multiply_by(x.delta, x.weight, x.count);
  } else {
    road_over_a(block, x);
  }
  scatter(x.delta, x, delta, ldd);
  add_terms(block, x, cost);
}

// BP1 for `rows` rows of the block: its columns of delta, and nothing else, are written, and cost[r] grows by the block's
// weighted terms. target (and term_weight, unless null) are rows × width without gaps.
template <class T>
void block_errors(const Block &block, Index rows, const T *Z, Index ldz, const T *target, const T *term_weight,
                  T *delta, Index ldd, double *cost, T *scratch) {
  const Index width = block.stop - block.start, size = block_scratch<T>(block, rows) / 6;
  T *place[6];
  for (int i = 0; i < 6; i++) place[i] = scratch + i * size;
  T *weight = term_weight ? place[5] : nullptr;
  auto errors = [&](Index r, Index height, Index j, Index columns, Index row_step, Index column_step, Index count) {
    Work<T> x{height,   columns,  row_step, column_step, padded<T>(count), place[0],
              place[1], place[2], place[3], place[4],    weight,           block.cost_parameter};
    const Index at = r * width + j;
    piece_errors(block, x, Z + r * ldz + block.start + j, ldz, target + at, weight ? term_weight + at : nullptr, width,
                 delta + r * ldd + block.start + j, ldd, cost + r);
  };
  if (elementwise(block.activation)) {
    pieces(rows, width, [&](Index r, Index height, Index j, Index columns) {
      errors(r, height, j, columns, columns, 1, height * columns);
    });
  } else {
    constexpr int W = lanes<T>;
    for (Index r = 0; r < rows; r += W) errors(r, rows - r < W ? rows - r : W, 0, width, 1, W, width * W);
  }
}

}  // namespace
