// Masked loads and stores: the first n lanes of a vector. Memory beyond them is neither read nor written.
#pragma once

#include "simd.h"

namespace {

#if defined(__AVX512F__)
CHAINRULE_INLINE f32v masked_load(const float *p, Index n, f32v beyond) {
  return (f32v)_mm512_mask_loadu_ps((__m512)beyond, __mmask16((1u << n) - 1), p);
}
CHAINRULE_INLINE f64v masked_load(const double *p, Index n, f64v beyond) {
  return (f64v)_mm512_mask_loadu_pd((__m512d)beyond, __mmask8((1u << n) - 1), p);
}
CHAINRULE_INLINE void masked_store(float *p, Index n, f32v v) {
  _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1), (__m512)v);
}
CHAINRULE_INLINE void masked_store(double *p, Index n, f64v v) {
  _mm512_mask_storeu_pd(p, __mmask8((1u << n) - 1), (__m512d)v);
}
#elif defined(__AVX2__)
CHAINRULE_INLINE f32v masked_load(const float *p, Index n) {
  return (f32v)_mm256_maskload_ps(p, (__m256i)first_lanes<float>(n));
}
CHAINRULE_INLINE f64v masked_load(const double *p, Index n) {
  return (f64v)_mm256_maskload_pd(p, (__m256i)first_lanes<double>(n));
}
#endif

// Copies p[0..n-1] to `to`, n < lanes<T>: half a vector, a quarter, ...
template <class T> CHAINRULE_INLINE void copy_part(const T *p, Index n, T *to) {
#if defined(__AVX512F__)
  masked_store(to, n, masked_load(p, n, vec<T>{}));
#else
#pragma GCC unroll 4
  for (int half = lanes<T> / 2; half; half /= 2)
    if (n & half) {
      __builtin_memcpy(to, p, half * sizeof(T));
      p += half, to += half;
    }
#endif
}

// Copies p[0..n-1] to `to`, which does not overlap.
template <class T> CHAINRULE_INLINE void copy_numbers(const T *p, Index n, T *to) {
  for (; n >= lanes<T>; n -= lanes<T>, p += lanes<T>, to += lanes<T>) store(to, load(p));
  if (n) copy_part(p, n, to);
}

// p[0..n-1] in the first lanes, `beyond` in the others; the whole vector where n >= lanes<T>.
template <class T> CHAINRULE_INLINE vec<T> load_first(const T *p, Index n, T beyond) {
  if (n >= lanes<T>) return load(p);
#if defined(__AVX512F__)
  return masked_load(p, n, broadcast(beyond));
#elif defined(__AVX2__)
  return first_lanes<T>(n) ? masked_load(p, n) : broadcast(beyond);
#else
  alignas(vector_bytes) T lane[lanes<T>];
  store(lane, broadcast(beyond));
  copy_part(p, n, lane);
  return load(lane);
#endif
}

template <class T> CHAINRULE_INLINE void store_first(T *p, Index n, vec<T> v) {
  if (n >= lanes<T>) return store(p, v);
#if defined(__AVX512F__)
  masked_store(p, n, v);
#else
  alignas(vector_bytes) T lane[lanes<T>];
  store(lane, v);
  copy_part((const T *)lane, n, p);
#endif
}

}  // namespace
