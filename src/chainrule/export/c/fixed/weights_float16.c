typedef uint16_t weight; /* IEEE 754 binary16, no NaN and not infinite */

/* The number, exactly: its bits where a float has them, and its exponent put right by a power of two. */
static real value_of(weight w) {
  const uint32_t bits = (uint32_t)(w & 0x8000) << 16 | (uint32_t)(w & 0x7fff) << 13;
  float shifted;
  memcpy(&shifted, &bits, sizeof shifted);
  return (real)(shifted * 0x1p112f);
}
