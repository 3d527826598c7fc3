// Vectors of float or double of the instruction set that this object is compiled for, by GCC's vector extensions. The
// vector length VL is lanes<T>.
//
// Arithmetic is + - * / and comparisons on vec<T>; a comparison gives a mask, and `mask ? a : b` selects lane by lane.
// Products are only fused where the code says `fma` (the objects are compiled with -ffp-contract=off), so that a sum
// has the same bits in every tile. Where the instruction set has no fused product, fma rounds twice.
//
// Everything is in an anonymous namespace: the linker must never share a function between instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace {

using Index = std::ptrdiff_t;  // rows, neurons, elements

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
inline constexpr int vector_registers = 32;
#elif defined(__AVX2__)
inline constexpr int vector_bytes = 32;
inline constexpr int vector_registers = 16;
#elif defined(__ARM_NEON)
inline constexpr int vector_bytes = 16;
inline constexpr int vector_registers = 32;
#else
inline constexpr int vector_bytes = 16;
inline constexpr int vector_registers = 16;
#endif

typedef float f32v __attribute__((vector_size(vector_bytes)));
typedef double f64v __attribute__((vector_size(vector_bytes)));
typedef int32_t i32v __attribute__((vector_size(vector_bytes)));
typedef int64_t i64v __attribute__((vector_size(vector_bytes)));
typedef uint32_t u32v __attribute__((vector_size(vector_bytes)));
typedef uint64_t u64v __attribute__((vector_size(vector_bytes)));

template <class T> struct simd;
template <> struct simd<float> {
  using vec = f32v;
  using mask = i32v;
  using integer = int32_t;
};
template <> struct simd<double> {
  using vec = f64v;
  using mask = i64v;
  using integer = int64_t;
};

template <class T> using vec = typename simd<T>::vec;
template <class T> using mask = typename simd<T>::mask;
template <class T> inline constexpr int lanes = vector_bytes / int(sizeof(T));

#define CHAINRULE_INLINE inline __attribute__((always_inline))

// n rounded up to whole vectors.
template <class T> CHAINRULE_INLINE Index padded(Index n) { return (n + lanes<T> - 1) & ~Index(lanes<T> - 1); }

// Loads and stores at any address.
template <class T> CHAINRULE_INLINE vec<T> load(const T *p) {
  typedef T unaligned __attribute__((vector_size(vector_bytes), aligned(alignof(T)), may_alias));
  return (vec<T>)*(const unaligned *)p;
}
template <class T> CHAINRULE_INLINE void store(T *p, vec<T> v) {
  typedef T unaligned __attribute__((vector_size(vector_bytes), aligned(alignof(T)), may_alias));
  *(unaligned *)p = (unaligned)v;
}

CHAINRULE_INLINE f32v broadcast(float x) {
#if defined(__AVX512F__)
  return (f32v)_mm512_set1_ps(x);
#elif defined(__AVX2__)
  return (f32v)_mm256_set1_ps(x);
#else
  return f32v{x, x, x, x};
#endif
}
CHAINRULE_INLINE f64v broadcast(double x) {
#if defined(__AVX512F__)
  return (f64v)_mm512_set1_pd(x);
#elif defined(__AVX2__)
  return (f64v)_mm256_set1_pd(x);
#else
  return f64v{x, x};
#endif
}

// a b + c, rounded once where the instruction set can.
CHAINRULE_INLINE f32v fma(f32v a, f32v b, f32v c) {
#if defined(__AVX512F__)
  return (f32v)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (f32v)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON) && defined(__aarch64__)
  return (f32v)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}
CHAINRULE_INLINE f64v fma(f64v a, f64v b, f64v c) {
#if defined(__AVX512F__)
  return (f64v)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__FMA__)
  return (f64v)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(__ARM_NEON) && defined(__aarch64__)
  return (f64v)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
  return a * b + c;
#endif
}

CHAINRULE_INLINE f32v sqrt(f32v a) {
#if defined(__AVX512F__)
  return (f32v)_mm512_mask_sqrt_ps((__m512)a, __mmask16(-1), (__m512)a);  // the plain form warns in g++ 12
#elif defined(__AVX2__)
  return (f32v)_mm256_sqrt_ps((__m256)a);
#elif defined(__SSE2__)
  return (f32v)_mm_sqrt_ps((__m128)a);
#else
  for (int i = 0; i < lanes<float>; i++) a[i] = __builtin_sqrtf(a[i]);
  return a;
#endif
}
CHAINRULE_INLINE f64v sqrt(f64v a) {
#if defined(__AVX512F__)
  return (f64v)_mm512_mask_sqrt_pd((__m512d)a, __mmask8(-1), (__m512d)a);
#elif defined(__AVX2__)
  return (f64v)_mm256_sqrt_pd((__m256d)a);
#elif defined(__SSE2__)
  return (f64v)_mm_sqrt_pd((__m128d)a);
#else
  for (int i = 0; i < lanes<double>; i++) a[i] = __builtin_sqrt(a[i]);
  return a;
#endif
}

// The bits of a vector as integers of the same width, and back.
CHAINRULE_INLINE i32v bits(f32v a) { return (i32v)a; }
CHAINRULE_INLINE i64v bits(f64v a) { return (i64v)a; }
CHAINRULE_INLINE f32v from_bits(i32v a) { return (f32v)a; }
CHAINRULE_INLINE f64v from_bits(i64v a) { return (f64v)a; }

// a where a > b, else b; so the second argument where one of them is NaN.
template <class V> CHAINRULE_INLINE V larger(V a, V b) { return a > b ? a : b; }
template <class V> CHAINRULE_INLINE V smaller(V a, V b) { return a < b ? a : b; }

CHAINRULE_INLINE f32v magnitude(f32v a) { return from_bits(bits(a) & 0x7fffffff); }
CHAINRULE_INLINE f64v magnitude(f64v a) { return from_bits(bits(a) & 0x7fffffffffffffffll); }

// Subnormal numbers are 0, as operands and results, until the end of the scope. A mean of gradients that have become 0
// would stay among them for ever, and processors trap each.
class SubnormalsAre0 {
#if defined(__SSE2__)
 public:
  SubnormalsAre0() : before(_mm_getcsr()) { _mm_setcsr(before | 0x8040); }
  ~SubnormalsAre0() { _mm_setcsr(before); }
  SubnormalsAre0(const SubnormalsAre0 &) = delete;
  SubnormalsAre0 &operator=(const SubnormalsAre0 &) = delete;

 private:
  unsigned before;
#elif defined(__aarch64__) && defined(__GNUC__)
 public:
  SubnormalsAre0() {
    asm volatile("mrs %0, fpcr" : "=r"(before));
    asm volatile("msr fpcr, %0" : : "r"(before | 1ull << 24));
  }
  ~SubnormalsAre0() { asm volatile("msr fpcr, %0" : : "r"(before)); }
  SubnormalsAre0(const SubnormalsAre0 &) = delete;
  SubnormalsAre0 &operator=(const SubnormalsAre0 &) = delete;

 private:
  uint64_t before;
#else
 public:
  SubnormalsAre0() {}
#endif
};

// The numbers 0..N-1 as template arguments.
template <int... N> struct Numbers {};
#if defined(__clang__) || defined(_MSC_VER)
template <class, int... N> using Counted = Numbers<N...>;
template <int N> using UpTo = __make_integer_seq<Counted, int, N>;
#else
template <int N> using UpTo = Numbers<__integer_pack(N)...>;
#endif

// 0, 1, 2, ... in the lanes, and the mask of the first n lanes.
template <class T> CHAINRULE_INLINE mask<T> first_lanes(Index n) {
  mask<T> index;
  for (int i = 0; i < lanes<T>; i++) index[i] = i;
  return index < typename simd<T>::integer(n < lanes<T> ? n : lanes<T>);
}

}  // namespace
