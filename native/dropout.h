// Factors of inverted dropout: 0, or 65536 / round(65536 (1 - p)). Drawn by Threefry-2x32 with 20 rounds: row r and
// neuron j take lane j % 4 (the words' halves, low before high) of counter (batch, r ceil(n / 4) + j // 4) under the
// key T(seed; (layer, epoch)).
//
// Source: Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011.
#pragma once

#include "simd.h"

namespace {

template <class V> CHAINRULE_INLINE V rotated(V x, int by) { return (x << by) | (x >> (32 - by)); }

// V is uint32_t or a vector of them.
template <class V> CHAINRULE_INLINE void threefry(uint32_t k0, uint32_t k1, V &x0, V &x1) {
  constexpr int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t key[3] = {k0, k1, k0 ^ k1 ^ 0x1BD11BDAu};
  x0 = x0 + key[0];
  x1 = x1 + key[1];
#pragma GCC unroll 5
  for (int group = 0; group < 5; group++) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      x0 = x0 + x1;
      x1 = x0 ^ rotated(x1, rotations[group % 2][i]);
    }
    x0 = x0 + key[(group + 1) % 3];
    x1 = x1 + key[(group + 2) % 3] + uint32_t(group + 1);
  }
}

// 0, 1, 2, ... in the lanes.
CHAINRULE_INLINE u32v numbers() {
  u32v index;
  for (int i = 0; i < vector_bytes / 4; i++) index[i] = uint32_t(i);
  return index;
}

// a0 b0 a1 b1 ... to 2 vectors of memory.
template <int... I> CHAINRULE_INLINE void store_pairs(u32v a, u32v b, uint16_t *to, Numbers<I...>) {
  constexpr int VL = sizeof...(I);
  typedef u32v pairs __attribute__((aligned(2), may_alias));
  *(pairs *)to = __builtin_shufflevector(a, b, (I / 2 + (I % 2 ? VL : 0))...);
  *(pairs *)(to + 2 * VL) = __builtin_shufflevector(a, b, (VL / 2 + I / 2 + (I % 2 ? VL : 0))...);
}

struct Draw {
  uint32_t k0, k1, threshold;
  Draw(double p, uint64_t seed, Index layer, Index epoch) : k0(uint32_t(layer)), k1(uint32_t(epoch)) {
    threefry(uint32_t(seed), uint32_t(seed >> 32), k0, k1);
    double kept = 65536 * (1 - p);
    threshold = uint32_t(kept);
    double rest = kept - threshold;  // rounded half to even, as Python does
    if (rest > 0.5 || (rest == 0.5 && threshold % 2)) threshold++;
  }
};

inline constexpr Index drawn = 512;  // counters drawn together, at most

// The halves of the words of `count` counters (batch, from), (batch, from + 1), ... in the order of their lanes; count
// is at most `drawn`, and what is written is a multiple of the vector length.
CHAINRULE_INLINE void draw_halves(const Draw &draw, Index batch, Index from, Index count, uint16_t *half) {
  constexpr int VL = vector_bytes / 4;
  for (Index c = 0; c < count; c += VL) {
    u32v x0 = u32v{} + uint32_t(batch), x1 = numbers() + uint32_t(from + c);
    threefry(draw.k0, draw.k1, x0, x1);
    store_pairs(x0, x1, half + 4 * c, UpTo<VL>{});
  }
}

// Factors of n neurons from their halves; 0 in the lanes beyond the last.
template <class T>
CHAINRULE_INLINE void factors_of(const Draw &draw, const uint16_t *half, Index n, T *to) {
  typedef uint16_t halves __attribute__((vector_size(lanes<T> * 2), aligned(2), may_alias));
  const vec<T> kept = broadcast(T(65536.0 / draw.threshold));
  for (Index j = 0; j < n; j += lanes<T>) {
    mask<T> keep =
        __builtin_convertvector(*(const halves *)(half + j), mask<T>) < typename simd<T>::integer(draw.threshold);
    if (n - j < lanes<T>) keep &= first_lanes<T>(n - j);
    store(to + j, from_bits(bits(kept) & keep));
  }
}

// Factors of `rows` rows from row `begin` of a batch on, n neurons each, ld apart; whole vectors are written.
template <class T> void draw_factors(const Draw &draw, Index batch, Index begin, Index rows, Index n, T *to, Index ld) {
  const Index groups = (n + 3) / 4, together = groups < drawn ? drawn / groups : 1;
  alignas(64) uint16_t half[4 * drawn + vector_bytes];  // the last vector of a row may read beyond its halves
  for (Index r = 0; r < rows; r += together) {
    const Index height = rows - r < together ? rows - r : together;
    for (Index g = 0; g < groups; g += drawn) {  // once, but for rows of more than `drawn` groups
      const Index width = groups - g < drawn ? groups - g : drawn;
      draw_halves(draw, batch, (begin + r) * groups + g, height * width, half);
      const Index neurons = n - 4 * g < 4 * width ? n - 4 * g : 4 * width;
      for (Index i = 0; i < height; i++) factors_of(draw, half + 4 * i * width, neurons, to + (r + i) * ld + 4 * g);
    }
  }
}

}  // namespace
