/* The products of a layer: k ascending in one sum, each product rounded once with its addition; sums of more than 512
   products, the bias among them, in blocks that are added in order. No bit depends on the processor.
   Weights are stored in panels: those of 64 neurons (of all that are left, in the last one), one row for each input. */

#define PANEL 64

#define BLOCK 512

static void add_products(const real *x, int count, const weight *W, int width, real *sum) {
  for (int k = 0; k < count; k++, W += width)
    for (int j = 0; j < width; j++) sum[j] = FMA(x[k], value_of(W[j]), sum[j]);
}

/* z_j = sum_k x_k w_kj + b_j for the neurons of a panel; without b if it is NULL. */
static void panel(const real *x, int inputs, const weight *W, const real *b, int width, real *z) {
  for (int k = 0, last = 0; !last; k += BLOCK) {
    const int count = inputs - k < BLOCK ? inputs - k : BLOCK;
    real sum[PANEL] = {0};
    if (width == PANEL)
      add_products(x + k, count, W, PANEL, sum);
    else
      add_products(x + k, count, W, width, sum);
    W += (size_t)count * (size_t)width;
    last = count < BLOCK;
    for (int j = 0; j < width; j++) {
      if (last && b) sum[j] = sum[j] + b[j];
      z[j] = k ? z[j] + sum[j] : sum[j];
    }
  }
}

/* z = x W + b for all neurons of a layer. */
static void dense(const real *x, int inputs, const weight *W, const real *b, int neurons, real *z) {
  for (int j = 0; j < neurons; j += PANEL) {
    const int width = neurons - j < PANEL ? neurons - j : PANEL;
    panel(x, inputs, W, b ? b + j : b, width, z + j);
    W += (size_t)inputs * (size_t)width;
  }
}

/* z_j = z_j scale_j + b_j */
static void rescale(const real *scale, const real *b, int neurons, real *z) {
  for (int j = 0; j < neurons; j++) z[j] = FMA(z[j], scale[j], b[j]);
}
