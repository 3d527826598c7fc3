// The update rules, on microtiles of weights: g comes in, weights and slots move in place. Formulas and sources:
// src/chainrule/optimizers/rules.py.
//
// A rule is a struct with its name, the number of its slots, whether it is light (then it moves the weights while the
// gradient is still in registers), and an operator for one vector: (g, w, slot 0, slot 1) -> the new w, the slots
// stored; one with three slots takes slot 2 too. Its constructor computes what is the same for a whole update: eta is
// the rate of this update, `step` its number from 1. A slot that a rule does not have is never read: the pointer may be
// anything.
#pragma once

#include "activations.h"

namespace {

CHAINRULE_INLINE double power(double base, Index n) {
  double result = 1;
  for (; n; n >>= 1, base *= base)
    if (n & 1) result *= base;
  return result;
}

// -1, 0 or 1 (0 for NaN).
template <class T> CHAINRULE_INLINE vec<T> sign(vec<T> a) {
  const vec<T> zero{}, one = broadcast(T(1));
  return (a > zero ? one : zero) - (a < zero ? one : zero);
}

template <class T> struct SGD {
  static constexpr const char *name = "sgd";  // momentum, nesterov
  static constexpr bool light = true;
  static int slots(const double *p) { return p[0] != 0; }
  vec<T> eta, momentum;
  bool plain, nesterov;
  SGD(const double *p, double rate, Index)
      : eta(broadcast(T(rate))), momentum(broadcast(T(p[0]))), plain(p[0] == 0), nesterov(p[1] != 0) {}
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *v, T *) const {
    if (plain) return fma(-eta, g, w);
    vec<T> moved = momentum * load(v) - eta * g;
    store(v, moved);
    return w + (nesterov ? momentum * moved - eta * g : moved);
  }
};

template <class T> struct RMSProp {
  static constexpr const char *name = "rmsprop";  // rho, eps
  static constexpr bool light = false;
  static int slots(const double *) { return 1; }
  vec<T> eta, rho, rest, eps;
  RMSProp(const double *p, double rate, Index)
      : eta(broadcast(T(rate))), rho(broadcast(T(p[0]))), rest(broadcast(T(1 - p[0]))), eps(broadcast(T(p[1]))) {}
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *v, T *) const {
    vec<T> mean = fma(rho, load(v), rest * (g * g));
    store(v, mean);
    return w - eta * g / (sqrt(mean) + eps);
  }
};

// m̂ / (sqrt(v̂) + eps) = m c / (sqrt(v) d + eps) with c = 1 / (1 - beta1^t), d = 1 / sqrt(1 - beta2^t).
template <class T> struct Adam {
  static constexpr const char *name = "adam";  // beta1, beta2, eps
  static constexpr bool light = false;
  static int slots(const double *) { return 2; }
  vec<T> beta1, rest1, beta2, rest2, eps, scale, rate;
  Adam(const double *p, double eta, Index step)
      : beta1(broadcast(T(p[0]))),
        rest1(broadcast(T(1 - p[0]))),
        beta2(broadcast(T(p[1]))),
        rest2(broadcast(T(1 - p[1]))),
        eps(broadcast(T(p[2]))),
        scale(broadcast(T(1 / __builtin_sqrt(1 - power(p[1], step))))),
        rate(broadcast(T(eta / (1 - power(p[0], step))))) {}
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *m, T *v) const {
    vec<T> mean = fma(beta1, load(m), rest1 * g), square = fma(beta2, load(v), rest2 * (g * g));
    store(m, mean);
    store(v, square);
    return w - rate * mean / fma(sqrt(square), scale, eps);
  }
};

template <class T> struct AdamW {
  static constexpr const char *name = "adamw";  // beta1, beta2, eps, weight_decay
  static constexpr bool light = false;
  static int slots(const double *) { return 2; }
  Adam<T> adam;
  vec<T> decay;
  AdamW(const double *p, double eta, Index step) : adam(p, eta, step), decay(broadcast(T(eta * p[3]))) {}
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *m, T *v) const { return adam(g, w, m, v) - decay * w; }
};

// Schedule-free AdamW: the weights that the passes see are y, where the gradient is taken; x is their mean, which is
// theta. d = z - x.
template <class T> struct ScheduleFree {
  static constexpr const char *name = "schedule_free";  // beta1, beta2, eps, weight_decay, warmup
  static constexpr bool light = false;
  static int slots(const double *) { return 2; }
  vec<T> rest1, beta2, rest2, eps, scale, rate, decay, share, left;
  ScheduleFree(const double *p, double eta, Index step)
      : rest1(broadcast(T(1 - p[0]))),
        beta2(broadcast(T(p[1]))),
        rest2(broadcast(T(1 - p[1]))),
        eps(broadcast(T(p[2]))),
        scale(broadcast(T(1 / __builtin_sqrt(1 - power(p[1], step))))) {
    const double t = double(step), w = p[4] < 1 ? 1 : p[4], risen = t < w ? t : w, rise = risen / w;
    const double total = risen * (risen + 1) * (2 * risen + 1) / (6 * w * w) + (t - risen), c = rise * rise / total;
    rate = broadcast(T(eta * rise)), decay = broadcast(T(eta * rise * p[3]));
    share = broadcast(T(c)), left = broadcast(T(1 - c));
  }
  static CHAINRULE_INLINE vec<T> point(vec<T> rest1, vec<T> x, vec<T> d) { return fma(rest1, d, x); }
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> y, T *d, T *v, T *x) const {
    vec<T> square = fma(beta2, load(v), rest2 * (g * g));
    vec<T> e = load(d) - (rate * g / fma(sqrt(square), scale, eps) + decay * y);
    vec<T> mean = fma(share, e, load(x));
    e = left * e;
    store(v, square);
    store(d, e);
    store(x, mean);
    return point(rest1, mean, e);
  }
};

// What Muon does with biases and the output layer is AdamW; a matrix moves along its direction (orthogonal.h).
template <class T> struct Muon {
  static constexpr const char *name = "muon";  // momentum, nesterov, iterations, weight_decay, adam_rate, learning_rate
  static constexpr bool light = false;
  static int slots(const double *) { return 2; }
  struct Along {
    vec<T> eta, decay;
    CHAINRULE_INLINE vec<T> operator()(vec<T> direction, vec<T> w, T *, T *) const {
      return w - eta * direction - decay * w;
    }
  };
  AdamW<T> others;
  Along matrix;
  static AdamW<T> others_of(const double *p, double eta, Index step) {
    const double adam[] = {.9, .999, 1e-8, p[3]};
    return AdamW<T>(adam, p[4] * (eta / p[5]), step);
  }
  Muon(const double *p, double eta, Index step)
      : others(others_of(p, eta, step)), matrix{broadcast(T(eta)), broadcast(T(eta * p[3]))} {}
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *m, T *v) const { return others(g, w, m, v); }
};

template <class T> struct RProp {
  static constexpr const char *name = "rprop";  // increase, decrease, smallest, largest, learning_rate
  static constexpr bool light = false;
  static int slots(const double *) { return 2; }
  vec<T> increase, decrease, smallest, largest, first, scale;
  RProp(const double *p, double eta, Index)
      : increase(broadcast(T(p[0]))),
        decrease(broadcast(T(p[1]))),
        smallest(broadcast(T(p[2]))),
        largest(broadcast(T(p[3]))),
        first(broadcast(T(p[4]))),
        scale(broadcast(T(eta / p[4]))) {}
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *before, T *D) const {
    const vec<T> zero{};
    vec<T> d = load(D), same = sign<T>(g) * sign<T>(load(before));
    d = d > zero ? d : first;
    d = same > zero ? d * increase : same < zero ? d * decrease : d;
    d = smaller(larger(d, smallest), largest);
    g = same < zero ? zero : g;
    store(before, g);
    store(D, d);
    return w - d * sign<T>(g) * scale;
  }
};

// Adam with the largest v so far in place of v.
template <class T> struct AMSGrad {
  static constexpr const char *name = "amsgrad";  // beta1, beta2, eps
  static constexpr bool light = false;
  static int slots(const double *) { return 3; }
  Adam<T> adam;
  AMSGrad(const double *p, double eta, Index step) : adam(p, eta, step) {}
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *m, T *v, T *top) const {
    vec<T> mean = fma(adam.beta1, load(m), adam.rest1 * g), square = fma(adam.beta2, load(v), adam.rest2 * (g * g));
    vec<T> most = larger(load(top), square);
    store(m, mean);
    store(v, square);
    store(top, most);
    return w - adam.rate * mean / fma(sqrt(most), adam.scale, adam.eps);
  }
};

// mu_t = beta1 (1 - 0.96^(t psi) / 2); the product of mu_1..mu_t ends where 1 - product is 1.
template <class T> struct NAdam {
  static constexpr const char *name = "nadam";  // beta1, beta2, eps, momentum_decay: psi
  static constexpr bool light = false;
  static int slots(const double *) { return 2; }
  Adam<T> adam;
  vec<T> of_gradient, of_mean;
  static double mu(const double *p, double t) {
    return p[0] * (1 - 0.5 * exp(broadcast(-0.040821994520255166 * p[3] * t))[0]);
  }
  static double product(const double *p, Index step) {
    double result = 1;
    for (Index t = 1; t <= step && result > 0x1p-60; t++) result *= mu(p, double(t));
    return result;
  }
  NAdam(const double *p, double eta, Index step) : adam(p, eta, step) {
    const double done = product(p, step), now = mu(p, double(step)), next = mu(p, double(step + 1));
    of_gradient = broadcast(T(eta * (1 - now) / (1 - done)));
    of_mean = broadcast(T(eta * next / (1 - done * next)));
  }
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *m, T *v) const {
    vec<T> mean = fma(adam.beta1, load(m), adam.rest1 * g), square = fma(adam.beta2, load(v), adam.rest2 * (g * g));
    store(m, mean);
    store(v, square);
    return w - fma(of_gradient, g, of_mean * mean) / fma(sqrt(square), adam.scale, adam.eps);
  }
};

template <class T> struct Adagrad {
  static constexpr const char *name = "adagrad";  // eps
  static constexpr bool light = false;
  static int slots(const double *) { return 1; }
  vec<T> eta, eps;
  Adagrad(const double *p, double rate, Index) : eta(broadcast(T(rate))), eps(broadcast(T(p[0]))) {}
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *s, T *) const {
    vec<T> sum = fma(g, g, load(s));
    store(s, sum);
    return w - eta * g / (sqrt(sum) + eps);
  }
};

template <class T> struct Lion {
  static constexpr const char *name = "lion";  // beta1, beta2, weight_decay
  static constexpr bool light = false;
  static int slots(const double *) { return 1; }
  vec<T> eta, beta1, rest1, beta2, rest2, decay;
  Lion(const double *p, double rate, Index)
      : eta(broadcast(T(rate))),
        beta1(broadcast(T(p[0]))),
        rest1(broadcast(T(1 - p[0]))),
        beta2(broadcast(T(p[1]))),
        rest2(broadcast(T(1 - p[1]))),
        decay(broadcast(T(rate * p[2]))) {}
  CHAINRULE_INLINE vec<T> operator()(vec<T> g, vec<T> w, T *m, T *) const {
    const vec<T> mean = load(m);
    store(m, fma(beta2, mean, rest2 * g));
    return w - eta * sign<T>(fma(beta1, mean, rest1 * g)) - decay * w;
  }
};

template <template <class> class... R> struct RuleList {
  static constexpr int count = sizeof...(R);
  static constexpr const char *names[] = {R<float>::name...};
};
using Rules = RuleList<SGD, RMSProp, Adam, AdamW, ScheduleFree, AMSGrad, NAdam, Adagrad, Lion, Muon, RProp>;

int rule_kind(const char *name) {
  for (int i = 0; i < Rules::count; i++)
    if (same_text(name, Rules::names[i])) return i;
  return -1;
}

int rule_slots(const chainrule::Rule &rule) {
  int count = 0, i = 0;
  auto visit = [&](auto slots) {
    if (i++ == rule.kind) count = slots(rule.parameter);
  };
  [&]<template <class> class... R>(RuleList<R...>) { (visit(R<float>::slots), ...); }(Rules{});
  return count;
}

// Whether theta is the mean of the points and the weights of the passes are others, where the gradient is taken.
bool rule_averages(const chainrule::Rule &rule) { return rule.kind == rule_kind(ScheduleFree<float>::name); }

// Whether the rule takes the matrices of hidden layers as a whole.
bool rule_by_matrix(const chainrule::Rule &rule) { return rule.kind == rule_kind(Muon<float>::name); }

// Changes of g before the rule: a mask, the penalty's gradient, bounds ±value, a factor.
template <class T> struct Adjust {
  T alpha = 0, l1 = 0, value = 0, factor = 1;  // alpha / S, l1 / S
  bool penalty = false, bounded = false, scaled = false;
};

// `rows` rows of `vectors` vectors: g (ldg apart), and the weights that it moves with all that is laid out like them
// (ld apart).
template <class T> struct Weights {
  const T *g;
  Index ldg;
  T *w, *slot_0, *slot_1, *slot_2;  // null for a slot that the rule does not have
  const T *mask;  // all bits 1 where there is a weight, else 0; null for all weights
  Index ld;
  Index rows, vectors;
  Index penalised;  // rows, from the first; the biases are not
};

template <class T> CHAINRULE_INLINE vec<T> adjusted(const Adjust<T> &a, vec<T> g, vec<T> w, const T *mask,
                                                    bool penalised) {
  if (mask) g = from_bits(bits(g) & bits(load(mask)));
  if (a.penalty && penalised) g = g + (broadcast(a.alpha) * w + broadcast(a.l1) * sign<T>(w));
  if (a.bounded) {
    vec<T> most = broadcast(a.value);
    g = g > most ? most : g < -most ? -most : g;
  }
  if (a.scaled) g = g * broadcast(a.factor);
  return g;
}

template <class T, class Move> void move_weights(const Weights<T> &t, const Adjust<T> &a, const Move &move) {
  constexpr int VL = lanes<T>;
  for (Index i = 0; i < t.rows; i++)
    for (Index v = 0; v < t.vectors; v++) {
      Index at = i * t.ld + v * VL;
      vec<T> w = load(t.w + at);
      vec<T> g = adjusted(a, load(t.g + i * t.ldg + v * VL), w, t.mask ? t.mask + at : nullptr, i < t.penalised);
      T *slot_0 = t.slot_0 ? t.slot_0 + at : nullptr, *slot_1 = t.slot_1 ? t.slot_1 + at : nullptr;
      if constexpr (requires { move(g, w, slot_0, slot_1, slot_0); })
        store(t.w + at, move(g, w, slot_0, slot_1, t.slot_2 + at));
      else
        store(t.w + at, move(g, w, slot_0, slot_1));
    }
}

// Calls f with the rule of that kind, made for one update.
template <class T, class F> CHAINRULE_INLINE void with_rule(const chainrule::Rule &rule, double eta, Index step, F f) {
  int i = 0;
  auto visit = [&]<class R>(R *) {
    if (i++ == rule.kind) f(R(rule.parameter, eta, step));
  };
  [&]<template <class> class... R>(RuleList<R...>) { (visit((R<T> *)nullptr), ...); }(Rules{});
}

}  // namespace
