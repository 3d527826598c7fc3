// Networks that lie side by side in one: groups of neurons, consecutive in each layer, without a weight between them.
//
//                layer 2        layer 3        outputs
//    group 0     0 .. stop      0 .. stop      0 .. stop
//    group 1     stop .. stop   stop .. stop   ...
//
// The inputs are those of every group. A network without such masks is one group. Each row and each column of a mask is
// searched once.
#pragma once

#include "types.h"

namespace {

using chainrule::Architecture;

// The last place of n bytes, `step` apart, that is not 0, plus one; 0 if there is none.
inline Index last_one(const unsigned char *bytes, Index n, Index step) {
  while (n > 0 && !bytes[(n - 1) * step]) n--;
  return n;
}

// Grows the ranges up to `end` of layers k and k + 1 to all neurons that a weight connects; whether one grew. Rows of
// the mask before searched_rows[k] and columns before searched_columns[k] have been searched already.
inline bool grow(const Architecture &a, Index k, Index *end, Index *searched_rows, Index *searched_columns) {
  const Index rows = a.sizes[k], columns = a.sizes[k + 1], before = end[k - 1] + end[k];
  const unsigned char *mask = a.masks[k];
  if (!mask) {
    end[k - 1] = rows, end[k] = columns;
    return end[k - 1] + end[k] > before;
  }
  for (Index &i = searched_rows[k]; i < end[k - 1]; i++) {
    const Index last = last_one(mask + i * columns, columns, 1);
    if (last > end[k]) end[k] = last;
  }
  for (Index &j = searched_columns[k]; j < end[k]; j++) {
    const Index last = last_one(mask + j, rows, columns);
    if (last > end[k - 1]) end[k - 1] = last;
  }
  return end[k - 1] + end[k] > before;
}

// Fills stop[g * layers + l - 1], the end of group g in layer l from 1 (the first after the inputs), and returns the
// number of groups, at most n_2; stop has (n_2 + 3) * layers elements.
inline Index find_groups(const Architecture &a, Index *stop) {
  const Index L = a.layers;
  Index *begin = stop + a.sizes[1] * L, *rows = begin + L, *columns = rows + L, groups = 0;
  for (Index l = 0; l < L; l++) begin[l] = 0;
  while (begin[0] < a.sizes[1]) {
    Index *end = stop + groups++ * L;
    for (Index l = 0; l < L; l++) end[l] = begin[l] + (l == 0);
    for (Index k = 1; k < L; k++) rows[k] = begin[k - 1], columns[k] = begin[k];
    for (bool grows = true; grows;) {
      grows = false;
      for (Index k = 1; k < L; k++) grows |= grow(a, k, end, rows, columns);
    }
    for (Index l = 0; l < L && end[0] == a.sizes[1]; l++) end[l] = a.sizes[l + 1];
    for (Index l = 0; l < L; l++) begin[l] = end[l];
  }
  return groups;
}

}  // namespace
