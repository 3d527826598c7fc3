// exp, log, tanh and their relatives on vectors of float or double: no branch, no table, no call.
//
// Right for every argument: ±0, ±inf, NaN, denormal arguments and denormal results. The bound of each is in units in
// the last place of the true value, float / double, with and without a fused product. native/tests/functions.cpp
// measures it on every instruction set and fails beyond it (`functions 1` takes all floats). sine, whose bound is
// another, is measured as an activation.
//
// Sources: Cody & Waite, Software manual for the elementary functions, 1980 (reductions); Tang, Table-driven
// implementation of the logarithm, ACM TOMS 16, 1990 (log by s = f / (2 + f)); Shepherd & Laframboise, Chebyshev
// approximation of (1 + 2x) exp(x²) erfc x, Math. Comp. 36, 1981 (the mapping of the normal tail onto [-1, 1]);
// Moshier, Methods and programs for mathematical functions, 1989 (the polynomials of sine and cosine).
// The coefficients are minimax polynomials with coefficients of the type itself (Sollya's fpminimax).
#pragma once

#include "simd.h"

namespace {

template <class V> struct vector_of;
template <> struct vector_of<f32v> {
  using element = float;
  using words = u32v;
};
template <> struct vector_of<f64v> {
  using element = double;
  using words = u64v;
};
template <class V> using element = typename vector_of<V>::element;
template <class V> using words = typename vector_of<V>::words;

// The format of a type and the numbers that belong to it.
template <class T> struct number;
template <> struct number<float> {
  static constexpr int fraction_bits = 23;
  static constexpr uint32_t one = 0x3f800000, sign = 0x80000000, upper_half = 0xfffff000, sqrt_half = 0x3f3504f3;
  static constexpr float infinity = __builtin_inff(), nan = __builtin_nanf("");
  static constexpr float smallest_normal = 0x1p-126f, lift = 0x1p24f, lifted = 24, two_to_fraction_bits = 0x1p23f;
  static constexpr float rounder = 0x1.8p23f;  // x + rounder - rounder is x rounded; the low bits of the sum hold it
  static constexpr float log2_e = 1.44269504f, ln2_high = 0.693145751953125f, ln2_low = 1.42860677e-06f;
  static constexpr float exp_lowest = -104, exp_highest = 89, tanh_highest = 10, expm1_lowest = -18;
  static constexpr float expm1_widest = 60;  // 2^-n no longer counts in 1 - 2^-n
  static constexpr float normal_lowest = 15;
  static constexpr float half_pi[] = {0x1.92p+0f, 0x1.fb4p-12f, 0x1.444p-24f, 0x1.68c234p-39f};  // in parts
  static constexpr float sine[] = {-1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f};
  static constexpr float cosine[] = {4.166664568298827e-2f, -1.388731625493765e-3f, 2.443315711809948e-5f};
  // (e^r - 1 - r) / r² on |r| <= ln(2) / 2
  static constexpr float exp[] = {0.5f, 0.16666571795940399f, 4.1666451841592789e-2f, 8.3640655502676964e-3f,
                                  1.3936617178842425e-3f};
  // (ln((1 + s) / (1 - s)) - 2 s) / s³ in s², s² <= (3 - sqrt 8)²
  static constexpr float log[] = {0.66666668653488159f, 0.39999553561210632f, 0.28589323163032532f,
                                  0.22584825754165649f};
  // (x + 4) e^(x²/2) Phi(-x) in q = (x - 4) / (x + 4)
  static constexpr float tail[] = {0.75528514385223389f,    -0.60789662599563599f,  0.38713663816452026f,
                                   -0.18652285635471344f,   6.0406219214200974e-2f, -7.5274179689586163e-3f,
                                   -3.5212559159845114e-3f, 1.5701004303991795e-3f, 1.9048563262973376e-4f,
                                   -1.2598409375641495e-4f};
};
template <> struct number<double> {
  static constexpr int fraction_bits = 52;
  static constexpr uint64_t one = 0x3ff0000000000000, sign = 0x8000000000000000, upper_half = 0xfffffffff8000000,
                            sqrt_half = 0x3fe6a09e667f3bcd;
  static constexpr double infinity = __builtin_inf(), nan = __builtin_nan("");
  static constexpr double smallest_normal = 0x1p-1022, lift = 0x1p54, lifted = 54, two_to_fraction_bits = 0x1p52;
  static constexpr double rounder = 0x1.8p52;
  static constexpr double log2_e = 1.4426950408889634, ln2_high = 0x1.62e42fefa3p-1, ln2_low = 0x1.3de6af278ece6p-42;
  static constexpr double exp_lowest = -746, exp_highest = 710, tanh_highest = 20, expm1_lowest = -38;
  static constexpr double expm1_widest = 60;
  static constexpr double normal_lowest = 39;
  static constexpr double half_pi[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2e037073p-69};
  static constexpr double sine[] = {-1.66666666666666307295e-1, 8.33333333332211858878e-3,  -1.98412698295895385996e-4,
                                    2.75573136213857245213e-6,  -2.50507477628578072866e-8, 1.58962301576546568060e-10};
  static constexpr double cosine[] = {4.16666666666665929218e-2, -1.38888888888730564116e-3,
                                      2.48015872888517045348e-5, -2.75573141792967388112e-7,
                                      2.08757008419747316778e-9, -1.13585365213876817300e-11};
  static constexpr double exp[] = {0.5,
                                   0.16666666666666674068,
                                   4.1666666666621547666e-2,
                                   8.3333333333223836431e-3,
                                   1.3888888918459644985e-3,
                                   1.9841269886514871848e-4,
                                   2.4801519396089602638e-5,
                                   2.7557242124555638476e-6,
                                   2.7620979876089707316e-7,
                                   2.5110203436545209880e-8};
  static constexpr double log[] = {0.66666666666666696273, 0.39999999999898994130, 0.28571428626363626346,
                                   0.22222211063782808903, 0.18182894477813643652, 0.15331542506931404622,
                                   0.14618652972148699854};
  static constexpr double tail[] = {
      0.7552851304157515,     -0.6078966419718921,     0.3871374007422157,      -0.186521857959663,
      0.06039657489077965,    -0.0075401889664849205,  -0.00347969236317347,    0.0016308184536818037,
      0.00013334426049594204, -0.0002310949047440859,  -1.9078993516508502e-06, 3.5144565543554696e-05,
      7.151370953310234e-07,  -5.919974971975013e-06,  -6.255272817752527e-07,  1.0217480736418467e-06,
      2.644928054908437e-07,  -1.5642300732826666e-07, -7.742055641394735e-08,  1.593413818268528e-08,
      1.4668820981459954e-08, -2.9488782476978993e-10, -1.1918153804914824e-09};
};

template <class V> using of = number<element<V>>;

template <class V> CHAINRULE_INLINE V all(element<V> x) { return broadcast(x); }

template <class V> CHAINRULE_INLINE V with_sign_of(V magnitude, V x) {
  return (V)((words<V>)magnitude | ((words<V>)x & of<V>::sign));
}

// c_0 + c_1 x + c_2 x² + ...: two of Horner's chains in x², even and odd; one chain where it is short.
template <class V, int N> CHAINRULE_INLINE V polynomial(V x, const element<V> (&c)[N]) {
  if constexpr (N <= 5) {
    V sum = all<V>(c[N - 1]);
#pragma GCC unroll 4
    for (int i = N - 2; i >= 0; i--) sum = fma(sum, x, all<V>(c[i]));
    return sum;
  } else {
    V x2 = x * x, even = all<V>(c[(N - 1) & ~1]), odd = all<V>(c[N - 1 - N % 2]);
#pragma GCC unroll 16
    for (int i = ((N - 1) & ~1) - 2; i >= 0; i -= 2) even = fma(even, x2, all<V>(c[i]));
#pragma GCC unroll 16
    for (int i = N - 3 - N % 2; i >= 0; i -= 2) odd = fma(odd, x2, all<V>(c[i]));
    return fma(odd, x, even);
  }
}

// e^x = 2^n (1 + p), x = n ln 2 + r, |r| <= ln(2) / 2: n as a number and in the low bits of `shifted`.
template <class V> struct Power {
  V shifted, n, r;
  CHAINRULE_INLINE V p() const { return fma(r * r, polynomial(r, of<V>::exp), r); }  // e^r - 1
};
template <class V> CHAINRULE_INLINE Power<V> reduced(V x) {
  V shifted = fma(x, all<V>(of<V>::log2_e), all<V>(of<V>::rounder));
  V n = shifted - of<V>::rounder;
  return {shifted, n, fma(n, all<V>(-of<V>::ln2_low), fma(n, all<V>(-of<V>::ln2_high), x))};
}

// 2^n and 2^-n from n in the low bits; n must be an exponent of normal numbers.
template <class V> CHAINRULE_INLINE V two_to(V shifted) {
  return (V)(((words<V>)shifted << of<V>::fraction_bits) + of<V>::one);
}
template <class V> CHAINRULE_INLINE V two_to_minus(V shifted) {
  return (V)(of<V>::one - ((words<V>)shifted << of<V>::fraction_bits));
}

// a 2^n for n as a number and in the low bits of `shifted`: rounded once, and right where it overflows or is denormal.
template <class V> CHAINRULE_INLINE V scaled(V a, [[maybe_unused]] V n, [[maybe_unused]] V shifted) {
#if defined(__AVX512F__)
  if constexpr (sizeof(element<V>) == 4)
    return (V)_mm512_mask_scalef_ps((__m512)a, __mmask16(-1), (__m512)a, (__m512)n);
  else
    return (V)_mm512_mask_scalef_pd((__m512d)a, __mmask8(-1), (__m512d)a, (__m512d)n);
#else
  constexpr int bits = of<V>::fraction_bits;  // in two steps, each a power of two that is a normal number
  const words<V> shift = (words<V>)all<V>(of<V>::rounder) - 2 * (of<V>::one >> bits);
  words<V> both = (words<V>)shifted - shift, half = both >> 1;
  return a * (V)(half << bits) * (V)((both - half) << bits);
#endif
}

// e^(x + low) for x of at most exp_highest and a `low` that is tiny beside it.
template <class V> CHAINRULE_INLINE V exp_of_sum(V x, V low) {
  Power<V> power = reduced(larger(all<V>(of<V>::exp_lowest), x));
  power.r = power.r + low;
  return scaled(power.p() + 1, power.n, power.shifted);
}

// e^x for x <= 0, within 1.2 / 1.2 ULP.
template <class V> CHAINRULE_INLINE V exp_of_negative(V x) {
  Power<V> power = reduced(larger(all<V>(of<V>::exp_lowest), x));
  return scaled(power.p() + 1, power.n, power.shifted);
}

// e^x, within 1.2 / 1.2 ULP.
template <class V> CHAINRULE_INLINE V exp(V x) { return exp_of_negative(smaller(all<V>(of<V>::exp_highest), x)); }

// e^x - 1 = 2^n (p + 1 - 2^-n), within 2 / 2.2 ULP.
template <class V> CHAINRULE_INLINE V expm1(V x) {
  V y = larger(all<V>(of<V>::expm1_lowest), smaller(all<V>(of<V>::exp_highest), x));
  Power<V> power = reduced(y);
  V inverse = two_to_minus(smaller(power.shifted, all<V>(of<V>::rounder + of<V>::expm1_widest)));
  return with_sign_of(scaled(power.p() + (1 - inverse), power.n, power.shifted), x);
}

// tanh x = (1 - e) / (1 + e) with e = e^(-2|x|), within 2.2 / 2.5 ULP.
template <class V> CHAINRULE_INLINE V tanh(V x) {
  V y = smaller(all<V>(of<V>::tanh_highest), magnitude(x));
  Power<V> power = reduced(-2 * y);
  V scale = two_to(power.shifted), above = fma(-scale, power.p(), 1 - scale), below = fma(scale, power.p(), 1 + scale);
  return with_sign_of(above / below, x);
}

// 1 / (1 + e^-x) = 2^-n / (p + 1 + 2^-n), within 2.2 / 2.2 ULP.
template <class V> CHAINRULE_INLINE V sigmoid(V x) {
  V y = larger(all<V>(of<V>::expm1_lowest), smaller(all<V>(-of<V>::exp_lowest), -x));
  Power<V> power = reduced(y);
  V inverse = two_to_minus(smaller(power.shifted, all<V>(of<V>::rounder + of<V>::expm1_widest)));
  return scaled(1 / ((power.p() + inverse) + 1), -power.n, 2 * of<V>::rounder - power.shifted);
}

// e^-|x|.
template <class V> CHAINRULE_INLINE V exp_of_minus_magnitude(V x) { return exp_of_negative(-magnitude(x)); }

// 1 / (1 + e^-x) from e = e^-|x| where that is at hand, within 2.5 / 2.5 ULP.
template <class V> CHAINRULE_INLINE V sigmoid_from(V x, V e) { return (x >= 0 ? all<V>(1) : e) / (1 + e); }

// u = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt 2, for normal u.
template <class V> struct Split {
  V k, f;
};
template <class V> CHAINRULE_INLINE Split<V> split(V u) {
  constexpr int bits = of<V>::fraction_bits;
  constexpr auto one = of<V>::one, below = of<V>::sqrt_half;
  words<V> word = (words<V>)u + (one - below);
  V k = (V)((word >> bits) | (words<V>)all<V>(of<V>::two_to_fraction_bits));
  words<V> fraction = (word & ((decltype(one + one)(1) << bits) - 1)) + below;
  return {k - (of<V>::two_to_fraction_bits + element<V>(one >> bits)), (V)fraction - 1};
}

// k ln 2 + ln(1 + f) + low, for a `low` that is tiny beside it.
template <class V> CHAINRULE_INLINE V log_of(Split<V> x, V low) {
  V f = x.f, s = f / (2 + f), s2 = s * s, half = f * f * element<V>(0.5);
  V rest = fma(s, half + s2 * polynomial(s2, of<V>::log), fma(x.k, all<V>(of<V>::ln2_low), low));
  return fma(x.k, all<V>(of<V>::ln2_high), f - (half - rest));
}

// ln x, within 1 / 1 ULP.
template <class V> CHAINRULE_INLINE V log(V x) {
  auto tiny = x < of<V>::smallest_normal;
  Split<V> parts = split(tiny ? x * of<V>::lift : x);
  parts.k = tiny ? parts.k - of<V>::lifted : parts.k;
  V result = log_of(parts, V{});
  V special = x == 0 ? all<V>(-of<V>::infinity) : x < 0 ? all<V>(of<V>::nan) : x;
  return ((x > 0) & (x < of<V>::infinity)) ? result : special;
}

// ln(1 + e) for 0 <= e <= 1, or NaN: 1 + e = 1 + f, or 2 (1 + f).
template <class V> CHAINRULE_INLINE V log1p_of_unit(V e) {
  auto near = e < element<V>(0.41421356);
  return log_of(Split<V>{near ? V{} : all<V>(1), near ? e : (e - 1) * element<V>(0.5)}, V{});
}

// ln(1 + x), within 1 / 1 ULP: what 1 + x loses is added; where k = 0, f is x itself.
template <class V> CHAINRULE_INLINE V log1p(V x) {
  V u = 1 + x, lost = x > 1 ? 1 - (u - x) : x - (u - 1);
  Split<V> parts = split(u);
  auto near = parts.k == 0;
  parts.f = near ? x : parts.f;
  V result = with_sign_of(magnitude(log_of(parts, near ? V{} : lost / u)), x);
  V special = x == -1 ? all<V>(-of<V>::infinity) : x < -1 ? all<V>(of<V>::nan) : x;
  return ((x > -1) & (x < of<V>::infinity)) ? result : special;
}

// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), within 2 / 2 ULP.
template <class V> CHAINRULE_INLINE V softplus(V x) {
  return (x > 0 ? x : V{}) + log1p_of_unit(exp_of_minus_magnitude(x));
}

// Phi(x), the normal distribution function, within 5.5 / 6 ULP; `bell` becomes e^(-x²/2), within 1.4 / 1.4 ULP.
// It is erfc(-x / sqrt 2) / 2, but x is squared exactly here, so that the left tail keeps its digits.
template <class V> CHAINRULE_INLINE V normal_distribution(V x, V &bell) {
  const element<V> half = element<V>(0.5);
  V y = smaller(all<V>(of<V>::normal_lowest), magnitude(x));
  V high = (V)((words<V>)y & of<V>::upper_half), low = y - high, square = y * y;
  V lost = ((high * high - square) + (high + high) * low) + low * low;
  bell = exp_of_sum(-half * square, -half * lost);
  V t = 1 / (y + 4), q = (y - 4) * t;
  q = fma(fma(-q, y, y - 4 * (q + 1)), t, q);  // y (1 - q) = 4 (1 + q)
  V tail = polynomial(q, of<V>::tail) * t * bell;
  return x > 0 ? 1 - tail : tail;
}

// sin(x + quarters pi / 2), within 1.5 ULP of 1 for |x| up to 10^4 in float and 10^6 in double; beyond, it loses
// but stays within ±1. x = n pi / 2 + r with |r| <= pi / 4, and n in the low bits of `shifted`.
template <int quarters, class V> CHAINRULE_INLINE V sine(V x) {
  V shifted = fma(x, all<V>(element<V>(0.6366197723675814)), all<V>(of<V>::rounder)), n = shifted - of<V>::rounder;
  V r = x;
  for (const element<V> part : of<V>::half_pi) r = fma(-n, all<V>(part), r);
  const V most = all<V>(element<V>(0.7853981633974483));
  r = larger(-most, smaller(most, r));
  const words<V> quadrant = (words<V>)shifted + quarters;
  const V r2 = r * r, s = fma(r * r2, polynomial(r2, of<V>::sine), r);
  const V c = fma(r2 * r2, polynomial(r2, of<V>::cosine), 1 - element<V>(0.5) * r2);
  const V size = (quadrant & 1) != 0 ? c : s;
  return (V)((words<V>)size ^ ((quadrant & 2) != 0 ? words<V>{} + of<V>::sign : words<V>{}));
}

}  // namespace
