// Half precision: products of numbers rounded to bfloat16, summed in float32. What the core and the kernels share.
//
//    C = A B      A  M × K rows of activations, errors, or activations by column; B  K × N: weights, or errors
//
// Each kernel is an object of its own, compiled for its instructions: isa/avx512_bf16.cpp, isa/amx_bf16.cpp. Both
// compute the same bits. The order of a sum, for products p_0 ... p_{K-1} (each is exact in float32):
//
//    for every block of 32 products, from the first on:
//      E = ((0 + p_0) + p_2) + ... + p_30       O = ((0 + p_1) + p_3) + ... + p_31
//      C = C + (E + O)                          C is 0 at first
//
// It is that of one TDPBF16PS. VDPBF16PS computes (c + the second product) + the first, so operands are packed for it
// such that a pair has two products of E, or two of O. K is filled up with zeros to whole blocks. Each addition rounds
// to nearest even; numbers below the smallest normal one are 0, as operands and as results: the instructions work so,
// and the caller of `multiply` sets this mode for its other arithmetic. No bit depends on M, N, packing or threads.
//
// Layouts, in elements of 2 bytes. A block of 32 is 16 pairs; which numbers are pair i is the kernel's own matter:
//
//    rows     A: tiles of 16 rows × one block of k        │ tile (0, 0): 16 × 32 │ (0, 1) │ ... │ next 16 rows │
//    panel    B: for each micropanel of NR columns, for each pair of k, NR pairs
//
// Contract: arrays begin at multiples of 64 bytes and are 0 where nothing was packed.
//
// Source: Intel 64 and IA-32 architectures software developer's manual, VDPBF16PS and TDPBF16PS.
#pragma once

#include "types.h"

namespace chainrule {

using Half = uint16_t;  // the bits of a bfloat16

inline constexpr Index half_block = 32;  // products of one E and O: part of what fixes the bits
inline constexpr Index half_rows = 16;  // of a tile of A
inline constexpr Index half_together = 2 * half_rows;  // rows of C, or of what is packed, in one call at most

inline constexpr Index half_padded(Index n) { return (n + half_block - 1) / half_block * half_block; }
// Elements of an operand A of so many rows, and of their tiles of 16 rows.
inline constexpr Index half_tiles(Index K) { return half_padded(K) * half_rows; }
inline constexpr Index half_elements(Index rows, Index K) { return (rows + half_rows - 1) / half_rows * half_tiles(K); }

// C = A B for M <= half_together rows and NV vectors of 16 columns.
struct HalfTile {
  const Half *A;
  Index apart;  // elements from 16 rows of A to the next
  const Half *B;
  Index NV;
  float *C;
  Index ldc;
  Index K, M;
};

// Numbers to be packed: rows × columns, ld apart; at most half_together rows.
struct HalfSource {
  const float *from;
  Index ld, rows, columns;
};

struct HalfKernels {
  const char *name;
  void (*begin)();  // before a thread multiplies
  void (*end)();  // after it
  void (*multiply)(const HalfTile &);
  // As rows of A: columns are k, from `column` on, a multiple of 16. `to` is the first tile of the rows.
  void (*pack_rows)(const HalfSource &, Index column, Half *to, Index apart);
  // As rows of A, transposed: rows are one block of k. `to` is the tile of the first 16 columns.
  void (*pack_columns)(const HalfSource &, Half *to, Index apart);
  // As one block of k of a micropanel of NV vectors.
  void (*pack_panel)(const HalfSource &, Index NV, Half *to);
  // Transposed: at most 16 rows, which become 16 columns of a micropanel; columns are k. `to` is their first pair, and
  // the next pairs of k are ldt elements apart.
  void (*pack_transposed)(const HalfSource &, Half *to, Index ldt);
};

// The kernels that CHAINRULE_HALF names ("amx_bf16", "avx512_bf16"), else the fastest that this machine runs; chosen at
// the first call. Null where it runs none, or not those.
const HalfKernels *choose_half();

// The names of the kernels that this machine runs, best first: "amx_bf16, avx512_bf16".
void runnable_half(char *names, size_t capacity);

}  // namespace chainrule

// One for each kernel of the build: CHAINRULE_HAS_AMX_BF16, ...
extern "C" {
const chainrule::HalfKernels *chainrule_half_amx_bf16();
const chainrule::HalfKernels *chainrule_half_avx512_bf16();
}
