typedef uint16_t weight; /* IEEE 754 binary16 */

/* The number, exactly. */
static real value_of(weight w) {
  const int exponent = (w >> 10) & 31, fraction = w & 1023;
  const uint32_t bits = exponent ? (uint32_t)(exponent + 112) << 23 | (uint32_t)fraction << 13 : 0;
  float size = (float)fraction * 0x1p-24f; /* below 2^-14 */
  if (exponent) memcpy(&size, &bits, sizeof size);
  return (real)(w & 0x8000 ? -size : size);
}
