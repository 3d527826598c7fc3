/* The elementary functions: those of chainrule's native core, operation by operation, so that they give its bits.
   Right for every argument, denormal and infinite ones and NaN too. Products are rounded once where FMA stands. */

#define COUNT(c) ((int)(sizeof(c) / sizeof((c)[0])))

static word word_of(real x) {
  word w;
  memcpy(&w, &x, sizeof w);
  return w;
}

static real real_of(word w) {
  real x;
  memcpy(&x, &w, sizeof x);
  return x;
}

/* a where a > b, else b; so the second argument where one of them is NaN. */
static real larger(real a, real b) { return a > b ? a : b; }

static real smaller(real a, real b) { return a < b ? a : b; }

static real magnitude(real x) { return real_of(word_of(x) & ~SIGN); }

static real with_sign_of(real size, real x) { return real_of(word_of(size) | (word_of(x) & SIGN)); }

/* c_0 + c_1 x + c_2 x^2 + ...: two of Horner's chains in x^2, even and odd; one chain where it is short. */
static real polynomial(real x, const real *c, int count) {
  const real x2 = x * x;
  real even = c[(count - 1) & ~1], odd = c[count - 1 - count % 2];
  if (count <= 5) {
    real sum = c[count - 1];
    for (int i = count - 2; i >= 0; i--) sum = FMA(sum, x, c[i]);
    return sum;
  }
  for (int i = ((count - 1) & ~1) - 2; i >= 0; i -= 2) even = FMA(even, x2, c[i]);
  for (int i = count - 3 - count % 2; i >= 0; i -= 2) odd = FMA(odd, x2, c[i]);
  return FMA(odd, x, even);
}

/* e^x = 2^n (1 + p), x = n ln 2 + r, |r| <= ln(2) / 2: n as a number and in the low bits of `shifted`. */
struct power {
  real shifted, n, r;
};

static struct power reduced(real x) {
  struct power e;
  e.shifted = FMA(x, LOG2_E, ROUNDER);
  e.n = e.shifted - ROUNDER;
  e.r = FMA(e.n, -LN2_LOW, FMA(e.n, -LN2_HIGH, x));
  return e;
}

/* p = e^r - 1 */
static real remainder_of(struct power e) { return FMA(e.r * e.r, polynomial(e.r, EXP, COUNT(EXP)), e.r); }

/* 2^n and 2^-n from n in the low bits; n must be an exponent of normal numbers. */
static real two_to(real shifted) { return real_of((word_of(shifted) << BITS) + ONE); }

static real two_to_minus(real shifted) { return real_of(ONE - (word_of(shifted) << BITS)); }

/* a 2^n for n in the low bits of `shifted`, in two steps: rounded once, right where it overflows or is denormal. */
static real scaled(real a, real shifted) {
  const word shift = word_of(ROUNDER) - 2 * (ONE >> BITS);
  const word both = word_of(shifted) - shift, half = both >> 1;
  return a * real_of(half << BITS) * real_of((both - half) << BITS);
}

/* e^(x + low) for x of at most EXP_HIGHEST and a `low` that is tiny beside it. */
static real exp_of_sum(real x, real low) {
  struct power e = reduced(larger(EXP_LOWEST, x));
  e.r = e.r + low;
  return scaled(remainder_of(e) + 1, e.shifted);
}

/* e^x for x <= 0 */
static real exp_of_negative(real x) {
  const struct power e = reduced(larger(EXP_LOWEST, x));
  return scaled(remainder_of(e) + 1, e.shifted);
}

/* e^x */
static real exp_of(real x) { return exp_of_negative(smaller(EXP_HIGHEST, x)); }

/* e^x - 1 = 2^n (p + 1 - 2^-n) */
static real expm1_of(real x) {
  const struct power e = reduced(larger(EXPM1_LOWEST, smaller(EXP_HIGHEST, x)));
  const real inverse = two_to_minus(smaller(e.shifted, ROUNDER + EXPM1_WIDEST));
  return with_sign_of(scaled(remainder_of(e) + (1 - inverse), e.shifted), x);
}

/* e^-|x| */
static real exp_of_minus_magnitude(real x) { return exp_of_negative(-magnitude(x)); }

/* k ln 2 + ln(1 + f), sqrt(1/2) <= 1 + f < sqrt 2 */
static real log_of(real k, real f) {
  const real s = f / (2 + f), s2 = s * s, half = f * f * (real)0.5;
  const real rest = FMA(s, half + s2 * polynomial(s2, LOG, COUNT(LOG)), FMA(k, LN2_LOW, (real)0));
  return FMA(k, LN2_HIGH, f - (half - rest));
}

/* ln(1 + e) for 0 <= e <= 1, or NaN: 1 + e = 1 + f, or 2 (1 + f). */
static real log1p_of_unit(real e) {
  const int near_one = e < (real)0.41421356;
  return log_of(near_one ? (real)0 : (real)1, near_one ? e : (e - 1) * (real)0.5);
}

/* Phi(x), the normal distribution function. x is squared exactly, so that the left tail keeps its digits. */
static real normal_distribution(real x) {
  const real half = (real)0.5, y = smaller(NORMAL_LOWEST, magnitude(x));
  const real high = real_of(word_of(y) & UPPER_HALF), low = y - high, square = y * y;
  const real lost = ((high * high - square) + (high + high) * low) + low * low;
  const real bell = exp_of_sum(-half * square, -half * lost), t = 1 / (y + 4), first = (y - 4) * t;
  const real q = FMA(FMA(-first, y, y - 4 * (first + 1)), t, first); /* y (1 - q) = 4 (1 + q) */
  const real tail = polynomial(q, TAIL, COUNT(TAIL)) * t * bell;
  return x > 0 ? 1 - tail : tail;
}

/* ------------------------------------------------------------------ activations, of z and perhaps a parameter c */

static real sigmoid(real z) {
  const struct power e = reduced(larger(EXPM1_LOWEST, smaller(-EXP_LOWEST, -z)));
  const real inverse = two_to_minus(smaller(e.shifted, ROUNDER + EXPM1_WIDEST));
  return scaled(1 / ((remainder_of(e) + inverse) + 1), 2 * ROUNDER - e.shifted);
}

static real hyperbolic_tangent(real z) {
  const struct power e = reduced(-2 * smaller(TANH_HIGHEST, magnitude(z)));
  const real scale = two_to(e.shifted), p = remainder_of(e);
  return with_sign_of(FMA(-scale, p, 1 - scale) / FMA(scale, p, 1 + scale), z);
}

static real relu(real z) { return z > 0 ? z : 0; }

static real relu6(real z) { return z > 0 ? (z < 6 ? z : 6) : 0; }

static real leaky_relu(real z, real c) { return z > 0 ? z : c * z; }

static real elu(real z, real c) { return z > 0 ? z : c * expm1_of(z > 0 ? 0 : z); }

static real selu(real z) { return (real)1.0507009873554805 * elu(z, (real)1.6732632423543772); }

static real gelu(real z) { return z * normal_distribution(z); }

static real silu(real z) { return z * sigmoid(z); }

/* tanh(ln(1 + e^z)) = p / (p + q) */
static real mish(real z) {
  const real e = exp_of_minus_magnitude(z);
  const real p = z > 0 ? 1 + 2 * e : e * (e + 2), q = z > 0 ? 2 * e * e : 2;
  return z * (p / (p + q));
}

static real softplus(real z) { return (z > 0 ? z : 0) + log1p_of_unit(exp_of_minus_magnitude(z)); }

static real softsign(real z) { return z / (1 + (z > 0 ? z : -z)); }

static real hardtanh(real z) { return z > 1 ? 1 : z < -1 ? -1 : z; }

/* sin(c z): c z = n pi / 2 + r with |r| <= pi / 4, and n in the low bits of `shifted`. */
static real sine(real z, real c) {
  const real x = c * z, shifted = FMA(x, (real)0.6366197723675814, ROUNDER), n = shifted - ROUNDER;
  const real most = (real)0.7853981633974483;
  const word quadrant = word_of(shifted);
  real r = x, r2, size;
  for (int i = 0; i < HALF_PI_PARTS; i++) r = FMA(-n, HALF_PI[i], r);
  r = larger(-most, smaller(most, r));
  r2 = r * r;
  if ((quadrant & 1) != 0)
    size = FMA(r2 * r2, polynomial(r2, COSINE, COUNT(COSINE)), 1 - (real)0.5 * r2);
  else
    size = FMA(r * r2, polynomial(r2, SINE, COUNT(SINE)), r);
  return (quadrant & 2) != 0 ? real_of(word_of(size) ^ SIGN) : size;
}

/* ------------------------------------------------------------------ softmax */

#define LANES (64 / (int)sizeof(real))

/* The sum of a[0], a[stride], ..., a[(count - 1) stride], 0 from `width` on; blocks of 64, added pairwise. */
static real lane_sum(const real *a, int width, int count) {
  real level[32] = {0}, sum = 0;
  int blocks = 0, k = 0;
  for (int begin = 0; begin < count; begin += 64, blocks++) {
    real block = 0;
    for (int i = begin; i < count && i < begin + 64; i++) block = block + (i * LANES < width ? a[i * LANES] : 0);
    if (count <= 64) return block;
    k = 0;
    for (int i = blocks; i & 1; i >>= 1) block = level[k++] + block;
    level[k] = block;
  }
  k = 0;
  for (int i = blocks; i; i >>= 1, k++)
    if (i & 1) sum = level[k] + sum;
  return sum;
}

/* The sum of `width` numbers: in 64 bytes of lanes, each by itself, and the lanes half with half. */
static real sum_along(const real *a, int width) {
  real lane[LANES];
  for (int i = 0; i < LANES; i++) lane[i] = lane_sum(a + (i < width ? i : 0), width - i, (width + LANES - 1) / LANES);
  for (int half = LANES / 2; half; half /= 2)
    for (int i = 0; i < half; i++) lane[i] = lane[i] + lane[i + half];
  return lane[0];
}

/* a_j = e^(z_j - max z) / sum_k e^(z_k - max z), in place of z. */
static void softmax(real *a, int width) {
  real most = -INFINITY, sum;
  for (int j = 0; j < width; j++) most = larger(a[j], most);
  for (int j = 0; j < width; j++) a[j] = exp_of(a[j] - most);
  sum = sum_along(a, width);
  for (int j = 0; j < width; j++) a[j] = a[j] / sum;
}
