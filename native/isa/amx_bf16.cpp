// Products in half precision by TDPBF16PS, on tiles of 16 rows of 64 bytes: C = C + (E + O) for one block of k.

#include "../half_packing.h"

namespace {

using chainrule::HalfKernels;
using chainrule::HalfTile;

struct alignas(64) Configuration {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};  // of a row of each tile
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

void begin() {
  static constexpr Configuration whole{};
  _tile_loadconfig(&whole);
}
void end() { _tile_release(); }

// Tiles 0 to 3 are C, row by row; 4 and 5 are A; 6 and 7 are B.
template <int R, int NV>
CHAINRULE_INLINE void multiply_blocks(const HalfTile &t, Index row, Index vector, float *C, Index ldc) {
  const Half *A = t.A + row / half_rows * t.apart, *B = t.B + 2 * vector * VL;
  const Index stride = t.NV * VL * 4, strideC = ldc * 4;
  _tile_zero(0);
  if (NV == 2) _tile_zero(1);
  if (R == 2) _tile_zero(2);
  if (R == 2 && NV == 2) _tile_zero(3);
  for (Index k = 0; k < t.K; k += half_block, A += tile, B += half_block * t.NV * VL) {
    _tile_loadd(6, B, stride);
    _tile_loadd(4, A, 64);
    if (NV == 2) _tile_loadd(7, B + 2 * VL, stride);
    _tile_dpbf16ps(0, 4, 6);
    if (NV == 2) _tile_dpbf16ps(1, 4, 7);
    if (R == 2) _tile_loadd(5, A + t.apart, 64);
    if (R == 2) _tile_dpbf16ps(2, 5, 6);
    if (R == 2 && NV == 2) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, C, strideC);
  if (NV == 2) _tile_stored(1, C + VL, strideC);
  if (R == 2) _tile_stored(2, C + half_rows * ldc, strideC);
  if (R == 2 && NV == 2) _tile_stored(3, C + half_rows * ldc + VL, strideC);
}

// The same where C has fewer rows than the tiles.
template <int R, int NV> void multiply_fewer(const HalfTile &t, Index row, Index vector) {
  alignas(64) float all[R * half_rows * NV * VL];
  float *C = t.C + row * t.ldc + vector * VL;
  const Index rows = t.M - row;
  constexpr Index ld = NV * VL;
  multiply_blocks<R, NV>(t, row, vector, all, ld);
  for (Index i = 0; i < rows; i++)
    for (Index j = 0; j < ld; j += VL) store(C + i * t.ldc + j, load(all + i * ld + j));
}

template <int R, int NV> void multiply_rows(const HalfTile &t, Index row, Index vector) {
  if (t.M - row < R * half_rows) return multiply_fewer<R, NV>(t, row, vector);
  multiply_blocks<R, NV>(t, row, vector, t.C + row * t.ldc + vector * VL, t.ldc);
}

template <int NV> void multiply_vectors(const HalfTile &t, Index vector) {
  t.M > half_rows ? multiply_rows<2, NV>(t, 0, vector) : multiply_rows<1, NV>(t, 0, vector);
}

void multiply(const HalfTile &t) {
  Index v = 0;
  for (; v + 1 < t.NV; v += 2) multiply_vectors<2>(t, v);
  if (v < t.NV) multiply_vectors<1>(t, v);
}

}  // namespace

extern "C" const HalfKernels *chainrule_half_amx_bf16() {
  static constexpr HalfKernels kernels{"amx_bf16",
                                       begin,
                                       end,
                                       multiply,
                                       pack_rows<false>,
                                       pack_columns<false>,
                                       pack_panel<false>,
                                       pack_transposed<false>};
  return &kernels;
}
