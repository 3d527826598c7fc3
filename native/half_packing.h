// Packing for the kernels of half precision: float32 rounded to bfloat16, in the pairs of a kernel.
//
// Of four consecutive numbers x_0 ... x_3 along k, the pairs (first, second) are
//
//    Quads      (x_2, x_0), (x_3, x_1)        VDPBF16PS adds the second product first
//    not Quads  (x_0, x_1), (x_2, x_3)
#pragma once

#include "half_kernels.h"
#include "panels.h"

namespace {

using chainrule::Half;
using chainrule::half_block;
using chainrule::half_rows;
using chainrule::half_tiles;
using chainrule::HalfSource;

inline constexpr Index VL = lanes<float>, tile = half_rows * half_block;
static_assert(VL == half_rows);

// Columns j..j+15 of row r; 0 beyond the last row and column.
CHAINRULE_INLINE __m512 source(const HalfSource &s, Index r, Index j) {
  return r < s.rows ? (__m512)load_first(s.from + r * s.ld + j, s.columns - j, 0.f) : __m512{};
}

// 16 pairs (first, second).
CHAINRULE_INLINE __m512i pairs(__m512 first, __m512 second) {
  const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(second, first);  // the first ones come before
  alignas(64) static constexpr uint16_t place[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                     8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(place), both);
}

// Rows 4q..4q+3 of columns j..j+15 as two rows of pairs.
template <bool Quads>
CHAINRULE_INLINE void pairs_of_rows(const HalfSource &s, Index q, Index j, __m512i &even, __m512i &odd) {
  const __m512 x0 = source(s, 4 * q, j), x1 = source(s, 4 * q + 1, j);
  const __m512 x2 = source(s, 4 * q + 2, j), x3 = source(s, 4 * q + 3, j);
  even = Quads ? pairs(x2, x0) : pairs(x0, x1);
  odd = Quads ? pairs(x3, x1) : pairs(x2, x3);
}

// 32 numbers along k as 16 pairs: those of two vectors.
template <bool Quads> CHAINRULE_INLINE __m512i pairs_along(__m512 low, __m512 high) {
  const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
  constexpr int order = 2 | 0 << 2 | 3 << 4 | 1 << 6;
  return Quads ? _mm512_shufflehi_epi16(_mm512_shufflelo_epi16(both, order), order) : both;
}

template <bool Quads> void pack_rows(const HalfSource &s, Index column, Half *to, Index apart) {
  for (Index r = 0; r < s.rows; r++) {
    Half *row = to + r / half_rows * apart + r % half_rows * half_block;
    for (Index j = 0; j < s.columns;) {
      const Index at = column + j;
      Half *block = row + at / half_block * tile + at % half_block;
      if (at % half_block == 0 && j + VL < s.columns) {
        _mm512_storeu_si512(block, pairs_along<Quads>(source(s, r, j), source(s, r, j + VL)));
        j += 2 * VL;
      } else {
        const __m512i half = pairs_along<Quads>(source(s, r, j), __m512{});
        __builtin_memcpy(block, &half, VL * sizeof(Half));
        j += VL;
      }
    }
  }
}

template <bool Quads> void pack_panel(const HalfSource &s, Index NV, Half *to) {
  for (Index j = 0; j < NV * VL; j += VL)
    for (Index q = 0; q < half_block / 4; q++) {
      __m512i even, odd;
      pairs_of_rows<Quads>(s, q, j, even, odd);
      _mm512_store_si512(to + 2 * (2 * q * NV * VL + j), even);
      _mm512_store_si512(to + 2 * ((2 * q + 1) * NV * VL + j), odd);
    }
}

template <bool Quads> void pack_columns(const HalfSource &s, Half *to, Index apart) {
  for (Index j = 0; j < s.columns; j += VL, to += apart) {
    f32v square[VL];
#pragma GCC unroll 16
    for (Index q = 0; q < half_block / 4; q++) {
      __m512i even, odd;
      pairs_of_rows<Quads>(s, q, j, even, odd);
      square[2 * q] = (f32v)even, square[2 * q + 1] = (f32v)odd;
    }
    transpose_square<float, VL / 2>(square);
#pragma GCC unroll 16
    for (Index i = 0; i < VL; i++) _mm512_store_si512(to + i * half_block, (__m512i)square[i]);
  }
}

template <bool Quads> void pack_transposed(const HalfSource &s, Half *to, Index ldt) {
  for (Index j = 0; j < s.columns; j += half_block) {
    const bool both = j + VL < s.columns;
    f32v square[VL];
#pragma GCC unroll 16
    for (Index i = 0; i < VL; i++)
      square[i] = (f32v)pairs_along<Quads>(source(s, i, j), both ? source(s, i, j + VL) : __m512{});
    transpose_square<float, VL / 2>(square);
    for (Index k = 0; k < (both ? VL : VL / 2); k++, to += ldt) _mm512_storeu_si512(to, (__m512i)square[k]);
  }
}

}  // namespace
