// The first n lanes of a vector in memory: what is beyond them is neither read nor written.
#pragma once

#include "simd.h"

namespace {

// p[0..n-1] in the first lanes, `beyond` in the others; the whole vector where n >= lanes<T>.
template <class T> CHAINRULE_INLINE vec<T> load_first(const T *p, Index n, T beyond) {
  if (n >= lanes<T>) return load(p);
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return (vec<T>)_mm512_mask_loadu_ps((__m512)broadcast(beyond), __mmask16((1u << n) - 1), p);
  else
    return (vec<T>)_mm512_mask_loadu_pd((__m512d)broadcast(beyond), __mmask8((1u << n) - 1), p);
#else
  alignas(vector_bytes) T lane[lanes<T>];
  for (Index i = 0; i < lanes<T>; i++) lane[i] = i < n ? p[i] : beyond;
  return load(lane);
#endif
}

template <class T> CHAINRULE_INLINE void store_first(T *p, Index n, vec<T> v) {
  if (n >= lanes<T>) return store(p, v);
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1), (__m512)v);
  else
    _mm512_mask_storeu_pd(p, __mmask8((1u << n) - 1), (__m512d)v);
#else
  for (Index i = 0; i < n; i++) p[i] = v[i];
#endif
}

}  // namespace
