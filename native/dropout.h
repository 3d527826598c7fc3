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

// Factors of `rows` rows from row `begin` of a batch on, n neurons each, ld apart.
template <class T> void draw_factors(const Draw &draw, Index batch, Index begin, Index rows, Index n, T *to, Index ld) {
  constexpr int lanes32 = vector_bytes / 4;
  const Index groups = (n + 3) / 4;
  const T kept = T(65536.0 / draw.threshold);
  for (Index r = 0; r < rows; r++)
    for (Index g = 0; g < groups; g += lanes32) {
      u32v x0, x1;
      for (int i = 0; i < lanes32; i++) {
        x0[i] = uint32_t(batch);
        x1[i] = uint32_t((begin + r) * groups + g + i);
      }
      threefry(draw.k0, draw.k1, x0, x1);
      for (int i = 0; i < lanes32 && g + i < groups; i++) {
        const uint32_t half[4] = {x0[i] & 0xFFFF, x0[i] >> 16, x1[i] & 0xFFFF, x1[i] >> 16};
        for (int j = 0; j < 4 && 4 * (g + i) + j < n; j++)
          to[r * ld + 4 * (g + i) + j] = half[j] < draw.threshold ? kept : T(0);
      }
    }
}

}  // namespace
