// The vector functions of vmath.h against the next wider type of libm: how many units in the last place each is off,
// and whether that is within the bound that its comment states. Compiled once per instruction set.
//
//   functions [stride [doubles]]   every stride-th of the 2^32 floats (1009; 1: all of them), so many doubles (200000)
//
// Prints one line a function and type; exits with 1 if a bound is broken or a special value is wrong.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "../vmath.h"

namespace {

// Phi of a number of 53 bits: erfc of x = -z / sqrt 2, put right for the rounding of x.
template <class Wide> Wide normal_in_wide(Wide z) {
  Wide x = -z / std::sqrt(Wide(2));
  if (!(std::fabs(x) < 100) || x == 0) return std::erfc(x) / 2;
  Wide square = 2 * x * x, off = std::fma(z, z, -square) - std::fma(2 * x, x, -square);
  Wide dx = off / (4 * x);
  return (std::erfc(x) - 2 / std::sqrt(std::acos(Wide(-1))) * std::exp(-x * x) * dx) / 2;
}

struct Exp {
  static constexpr const char *name = "exp";
  static constexpr double bound[] = {1.2, 1.2};
  template <class V> static V vector(V x) { return exp(x); }
  template <class Wide> static Wide wide(Wide x) { return std::exp(x); }
};
struct Expm1 {
  static constexpr const char *name = "expm1";
  static constexpr double bound[] = {2, 2.2};
  template <class V> static V vector(V x) { return expm1(x); }
  template <class Wide> static Wide wide(Wide x) { return std::expm1(x); }
};
struct Tanh {
  static constexpr const char *name = "tanh";
  static constexpr double bound[] = {2.2, 2.5};
  template <class V> static V vector(V x) { return tanh(x); }
  template <class Wide> static Wide wide(Wide x) { return std::tanh(x); }
};
struct Sigmoid {
  static constexpr const char *name = "sigmoid";
  static constexpr double bound[] = {2.2, 2.2};
  template <class V> static V vector(V x) { return sigmoid(x); }
  template <class Wide> static Wide wide(Wide x) { return 1 / (1 + std::exp(-x)); }
};
struct SigmoidFrom {
  static constexpr const char *name = "sigmoid_e";
  static constexpr double bound[] = {2.5, 2.5};
  template <class V> static V vector(V x) { return sigmoid_from(x, exp_of_minus_magnitude(x)); }
  template <class Wide> static Wide wide(Wide x) { return 1 / (1 + std::exp(-x)); }
};
struct Log {
  static constexpr const char *name = "log";
  static constexpr double bound[] = {1, 1};
  template <class V> static V vector(V x) { return log(x); }
  template <class Wide> static Wide wide(Wide x) { return std::log(x); }
};
struct Log1p {
  static constexpr const char *name = "log1p";
  static constexpr double bound[] = {1, 1};
  template <class V> static V vector(V x) { return log1p(x); }
  template <class Wide> static Wide wide(Wide x) { return std::log1p(x); }
};
struct Softplus {
  static constexpr const char *name = "softplus";
  static constexpr double bound[] = {2, 2};
  template <class V> static V vector(V x) { return softplus(x); }
  template <class Wide> static Wide wide(Wide x) {
    return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  }
};
struct Normal {
  static constexpr const char *name = "normal";
  static constexpr double bound[] = {5.5, 6};
  template <class V> static V vector(V x) {
    V bell;
    return normal_distribution(x, bell);
  }
  template <class Wide> static Wide wide(Wide x) { return normal_in_wide(x); }
};
struct Bell {
  static constexpr const char *name = "bell";
  static constexpr double bound[] = {1.4, 1.4};
  template <class V> static V vector(V x) {
    V bell;
    normal_distribution(x, bell);
    return bell;
  }
  template <class Wide> static Wide wide(Wide x) { return std::exp(-x * x / 2); }
};

// The error of `got` in units in the last place of the true value; infinite where a special value is wrong.
template <class T, class Wide> double ulps(T got, Wide truth) {
  using limits = std::numeric_limits<T>;
  if (std::isnan(truth) || std::isnan(got)) return std::isnan(truth) && std::isnan(got) ? 0 : HUGE_VAL;
  if (std::isinf(T(truth)) || std::isinf(got)) return T(truth) == got ? 0 : HUGE_VAL;
  if (truth == 0 || got == 0) {
    if (truth == 0 && std::signbit(truth) != std::signbit(got)) return HUGE_VAL;
  }
  int exponent = truth == 0 ? limits::min_exponent - 1 : std::ilogb(truth);
  if (exponent < limits::min_exponent - 1) exponent = limits::min_exponent - 1;
  return double(std::fabs(got - truth) / std::ldexp(Wide(1), exponent - (limits::digits - 1)));
}

template <class T> struct wider;
template <> struct wider<float> {
  using type = double;
};
template <> struct wider<double> {
  using type = long double;
};

template <class F, class T> struct Worst {
  using Wide = typename wider<T>::type;
  double off = 0;
  T at = 0;
  void vector_at(const T (&x)[lanes<T>]) {
    T got[lanes<T>];
    store(got, F::vector(load(x)));
    for (int i = 0; i < lanes<T>; i++) {
      double here = ulps(got[i], F::wide(Wide(x[i])));
      if (here > off) off = here, at = x[i];
    }
  }
  bool report() const {
    double bound = F::bound[sizeof(T) == 8];
    bool within = off <= bound;
    std::printf("%-9s %-7s %6.3f ULP at %-14.9g bound %g%s\n", F::name, sizeof(T) == 4 ? "float" : "double", off,
                double(at), bound, within ? "" : "   BROKEN");
    return within;
  }
};

template <class T> T special(int i) {
  using limits = std::numeric_limits<T>;
  const T values[] = {T(0),
                      limits::infinity(),
                      limits::quiet_NaN(),
                      limits::denorm_min(),
                      limits::min(),
                      limits::max(),
                      limits::epsilon(),
                      T(1),
                      T(88.8),
                      T(103.9),
                      T(709.9),
                      T(745.2),
                      T(1e4)};
  constexpr int count = sizeof values / sizeof *values;
  T x = values[i / 2 % count];
  return i % 2 ? -x : x;
}

template <class F> bool floats(uint64_t stride) {
  Worst<F, float> worst;
  float x[lanes<float>];
  for (int i = 0; i < 32; i += lanes<float>) {
    for (int j = 0; j < lanes<float>; j++) x[j] = special<float>(i + j);
    worst.vector_at(x);
  }
  for (uint64_t word = 0; word < uint64_t(1) << 32; word += stride * lanes<float>) {
    for (int j = 0; j < lanes<float>; j++) {
      uint32_t each = uint32_t(word + stride * j);
      std::memcpy(&x[j], &each, 4);
    }
    worst.vector_at(x);
  }
  return worst.report();
}

uint64_t random_word() {  // Marsaglia's xorshift
  static uint64_t state = 88172645463325252u;
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

// A quarter of the points are bits of any double; the others lie where the functions change, on three scales.
double random_double(int scale) {
  uint64_t word = random_word();
  double any;
  std::memcpy(&any, &word, 8);
  double even = double(int64_t(word)) * 0x1p-63;
  return scale == 0 ? any : scale == 1 ? even * 800 : scale == 2 ? even * 40 : even * 2;
}

template <class F> bool doubles(uint64_t count) {
  Worst<F, double> worst;
  double x[lanes<double>];
  for (int i = 0; i < 32; i += lanes<double>) {
    for (int j = 0; j < lanes<double>; j++) x[j] = special<double>(i + j);
    worst.vector_at(x);
  }
  for (uint64_t i = 0; i < count; i += lanes<double>) {
    for (int j = 0; j < lanes<double>; j++) x[j] = random_double(int((i + j) % 4));
    worst.vector_at(x);
  }
  return worst.report();
}

template <class F> bool check(uint64_t stride, uint64_t count) {
  bool single = floats<F>(stride);
  return doubles<F>(count) && single;
}

template <class... F> bool check_all(uint64_t stride, uint64_t count) {
  bool ok = true;
  ((ok = check<F>(stride, count) && ok), ...);
  return ok;
}

}  // namespace

int main(int count, char **arguments) {
  const uint64_t stride = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1009;
  const uint64_t doubles = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 200000;
  return check_all<Exp, Expm1, Tanh, Sigmoid, SigmoidFrom, Log, Log1p, Softplus, Normal, Bell>(stride ? stride : 1,
                                                                                               doubles)
             ? 0
             : 1;
}
