// Softmax with cross-entropy for many classes, of which a row has one or none: BP1 without targets, in three passes
// along the rows. The tiles of output.h would be larger than the cache.
//
//    max_r = max over j of z_rj           sum_r = sum over j of e^(z_rj - max_r), j ascending with a row in each lane
//    delta_rj = e^(z_rj - max_r) / sum_r, less 1 for its class     C_r = -(z_r,class - max_r - ln sum_r)
//
// Contract: that of output.h. Costs and errors have the bits that a tile gives for targets of 0 and 1.
#pragma once

#include "output.h"

namespace {

inline constexpr Index many_classes = 64;

// Whether class numbers of this block are computed here.
template <class T> CHAINRULE_INLINE bool has_many_classes(const Block &block) {
  return block.stop - block.start >= many_classes && errors_of_pair<T>(block) == pair_errors<T, SoftmaxCrossEntropy>;
}

// The largest of a row, as the maximum of its columns one after the other gives it: NaN if the first is NaN, else NaN
// does not count.
template <class T> T largest_of_row(const T *z, Index width) {
  if (z[0] != z[0]) return z[0];
  vec<T> most = broadcast(-number<T>::infinity);
  for (Index j = 0; j < width; j += lanes<T>) most = larger(load_first(z + j, width - j, -number<T>::infinity), most);
  return largest(most);
}

// The errors of one row before its class counts; `classes` is 1, or 0 for a number that is not a class. Returns 0, or
// NaN where ln a_j of a class is not finite.
template <class T> T errors_of_row(const T *z, T max_z, T sum, T classes, Index width, T *delta) {
  const vec<T> shift = broadcast(max_z), divisor = broadcast(sum), factor = broadcast(classes);
  vec<T> not_finite{};
  for (Index j = 0; j < width; j += lanes<T>) {
    const vec<T> x = load_first(z + j, width - j, max_z) - shift;
    not_finite = not_finite + x * T(0);
    store_first(delta + j, width - j, exp_of_negative(x) / divisor * factor);
  }
  return total(not_finite);
}

// BP1 for `rows` rows of the block, whose classes are label[0..rows-1]: see block_errors.
template <class T>
void many_classes_errors(const Block &block, Index rows, const T *Z, Index ldz, const int32_t *label, T *delta,
                         Index ldd, double *cost) {
  constexpr Index VL = lanes<T>;
  const Index width = block.stop - block.start;
  Z += block.start, delta += block.start;
  for (Index first = 0; first < rows; first += VL) {
    const Index height = rows - first < VL ? rows - first : VL;
    alignas(64) T max_z[VL] = {}, sum[VL], log_sum[VL], square[VL * VL];
    for (Index r = 0; r < height; r++) max_z[r] = largest_of_row(Z + (first + r) * ldz, width);
    const vec<T> shift = load(max_z),
                 sums = sum_of<vec<T>>(width, [&](Index j) {
                   if (j % VL == 0)
                     rows_to_columns(Z + first * ldz + j, ldz, height, width - j < VL ? width - j : VL, square);
                   return exp_of_negative(load(square + j % VL * VL) - shift);
                 });
    store(sum, sums), store(log_sum, log(sums));
    for (Index r = 0; r < height; r++) {
      const T *z = Z + (first + r) * ldz;
      T *to = delta + (first + r) * ldd;
      const Index c = label[first + r];
      const bool is_class = c >= 0 && c < width;
      const T none = errors_of_row(z, max_z[r], sum[r], T(is_class), width, to);
      cost[first + r] += double(none + log_sum[r] * T(0));
      if (!is_class) continue;
      cost[first + r] += double(-(z[c] - max_z[r] - log_sum[r]));
      to[c] = to[c] - 1;
    }
  }
}

}  // namespace
