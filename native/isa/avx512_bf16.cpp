// Products in half precision by VDPBF16PS: c = (c + a_1 b_1) + a_0 b_0 for pairs (a_0, a_1), (b_0, b_1).

#include "../half_packing.h"

namespace {

using chainrule::HalfKernels;
using chainrule::HalfTile;

// Most rows of C in registers: two accumulators for each vector of a row, E and O.
constexpr int most_rows(int NV) { return NV == 1 ? 12 : 6; }

CHAINRULE_INLINE __m512bh pair_of(const Half *p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return (__m512bh)_mm512_set1_epi32(pair);
}

// R rows of a tile of A and NV vectors of B; C has the sum of the blocks before.
template <int R, int NV> void multiply_rows(const HalfTile &t, Index row, Index vector) {
  const Half *A = t.A + row / half_rows * t.apart + row % half_rows * half_block, *B = t.B + 2 * vector * VL;
  float *C = t.C + row * t.ldc + vector * VL;
  const Index ldb = 2 * t.NV * VL;
  for (Index k = 0; k < t.K; k += half_block, A += tile) {
    const Index quads = (t.K - k < half_block ? t.K - k + 3 : half_block) / 4;
    __m512 E[R][NV], O[R][NV];
#pragma GCC unroll 12
    for (int i = 0; i < R; i++)
#pragma GCC unroll 2
      for (int v = 0; v < NV; v++) E[i][v] = O[i][v] = __m512{};
    for (Index q = 0; q < quads; q++, B += 2 * ldb) {
      __m512bh even[NV], odd[NV];
#pragma GCC unroll 2
      for (int v = 0; v < NV; v++) {
        even[v] = (__m512bh)_mm512_load_si512(B + 2 * v * VL);
        odd[v] = (__m512bh)_mm512_load_si512(B + ldb + 2 * v * VL);
      }
#pragma GCC unroll 12
      for (int i = 0; i < R; i++) {
        const Half *a = A + i * half_block + 4 * q;
#pragma GCC unroll 2
        for (int v = 0; v < NV; v++) {
          E[i][v] = _mm512_dpbf16_ps(E[i][v], pair_of(a), even[v]);
          O[i][v] = _mm512_dpbf16_ps(O[i][v], pair_of(a + 2), odd[v]);
        }
      }
    }
    // A block that is not whole has products of zeros at its end: + 0 turns -0 into 0.
    const bool whole = quads == half_block / 4;
#pragma GCC unroll 12
    for (int i = 0; i < R; i++)
#pragma GCC unroll 2
      for (int v = 0; v < NV; v++) {
        float *c = C + i * t.ldc + v * VL;
        const __m512 sum = whole ? E[i][v] + O[i][v] : (E[i][v] + __m512{}) + (O[i][v] + __m512{});
        _mm512_storeu_ps(c, (k ? _mm512_loadu_ps(c) : __m512{}) + sum);
      }
  }
}

template <int NV, int R> void multiply_at_most(const HalfTile &t, Index row, Index rows, Index vector) {
  if constexpr (R > 1)
    if (rows < R) return multiply_at_most<NV, R - 1>(t, row, rows, vector);
  multiply_rows<R, NV>(t, row, vector);
}

template <int NV> void multiply_vectors(const HalfTile &t, Index vector) {
  constexpr Index most = most_rows(NV);
  for (Index begin = 0; begin < t.M; begin += half_rows) {
    const Index end = t.M - begin < half_rows ? t.M : begin + half_rows;
    Index row = begin;
    for (Index count = (end - begin + most - 1) / most; count > 0; count--) {
      const Index rows = (end - row + count - 1) / count;
      multiply_at_most<NV, most>(t, row, rows, vector);
      row += rows;
    }
  }
}

void multiply(const HalfTile &t) {
  Index v = 0;
  for (; v + 1 < t.NV; v += 2) multiply_vectors<2>(t, v);
  if (v < t.NV) multiply_vectors<1>(t, v);
}

void nothing() {}

}  // namespace

extern "C" const HalfKernels *chainrule_half_avx512_bf16() {
  static constexpr HalfKernels kernels{
      "avx512_bf16",        nothing, nothing, multiply, pack_rows<true>, pack_columns<true>, pack_panel<true>,
      pack_transposed<true>};
  return &kernels;
}
