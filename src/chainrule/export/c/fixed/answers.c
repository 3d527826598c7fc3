/* ------------------------------------------------------------------ answers */

/* The number of the greatest, the first of equal ones; NaN is greater than all. */
static int greatest(const real *a, int count) {
  int best = 0;
  for (int k = 1; k < count; k++)
    if (a[best] == a[best] && !(a[k] <= a[best])) best = k;
  return best;
}

/* The sum of numbers as NumPy computes it: eight sums side by side, and halves of more than 128 by themselves. */
static real numpy_sum(const real *a, int count) {
  real sum = 0, part[8];
  int k = 0;
  if (count > 128) {
    const int half = count / 2 - count / 2 % 8;
    return numpy_sum(a, half) + numpy_sum(a + half, count - half);
  }
  if (count >= 8) {
    for (int i = 0; i < 8; i++) part[i] = a[i];
    for (k = 8; k < count - count % 8; k += 8)
      for (int i = 0; i < 8; i++) part[i] = part[i] + a[k + i];
    sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
  }
  for (; k < count; k++) sum = sum + a[k];
  return sum;
}

/* a divided by its sum; equal shares if that is 0. */
static void shares(const real *a, int count, real *share) {
  const real total = numpy_sum(a, count);
  for (int k = 0; k < count; k++) share[k] = total > 0 ? a[k] / total : (real)(1.0 / count);
}

/* How many numbers from the first on are above 1/2. */
static int steps_above(const real *a, int count) {
  int k = 0;
  while (k < count && a[k] > (real)0.5) k++;
  return k;
}

/* The probabilities of `count` classes in an order, from those of each class but the lowest or a higher one. */
static void between(const real *a, int count, real *share) {
  real above = 1;
  for (int k = 0; k < count; k++) {
    const real below = k == count - 1 ? 0 : a[k] < above ? a[k] : above;
    share[k] = above - below;
    above = below;
  }
}
