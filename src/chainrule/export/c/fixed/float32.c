/* The type of the network, and the numbers that belong to it. The polynomials are minimax polynomials. */

typedef float real;

typedef uint32_t word; /* of the bits of a real */

#define FMA fmaf

#define BITS 23 /* of the fraction */
#define ONE UINT32_C(0x3f800000)
#define SIGN UINT32_C(0x80000000)
#define UPPER_HALF UINT32_C(0xfffff000)

#define ROUNDER 0x1.8p23f /* x + ROUNDER - ROUNDER is x rounded; the low bits of the sum hold it */
#define LOG2_E 1.44269504f
#define LN2_HIGH 0.693145751953125f
#define LN2_LOW 1.42860677e-06f
#define EXP_LOWEST (-104.0f)
#define EXP_HIGHEST 89.0f
#define TANH_HIGHEST 10.0f
#define EXPM1_LOWEST (-18.0f)
#define EXPM1_WIDEST 60.0f /* 2^-n no longer counts in 1 - 2^-n */
#define NORMAL_LOWEST 15.0f
#define HALF_PI_PARTS 4

/* (e^r - 1 - r) / r^2 on |r| <= ln(2) / 2 */
static const real EXP[] = {0.5f, 0.16666571795940399f, 4.1666451841592789e-2f, 8.3640655502676964e-3f,
                           1.3936617178842425e-3f};

/* (ln((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, s^2 <= (3 - sqrt 8)^2 */
static const real LOG[] = {0.66666668653488159f, 0.39999553561210632f, 0.28589323163032532f, 0.22584825754165649f};

/* (x + 4) e^(x^2/2) Phi(-x) in q = (x - 4) / (x + 4) */
static const real TAIL[] = {0.75528514385223389f,    -0.60789662599563599f,  0.38713663816452026f,
                            -0.18652285635471344f,   6.0406219214200974e-2f, -7.5274179689586163e-3f,
                            -3.5212559159845114e-3f, 1.5701004303991795e-3f, 1.9048563262973376e-4f,
                            -1.2598409375641495e-4f};

static const real HALF_PI[] = {0x1.92p+0f, 0x1.fb4p-12f, 0x1.444p-24f, 0x1.68c234p-39f};

static const real SINE[] = {-1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f};

static const real COSINE[] = {4.166664568298827e-2f, -1.388731625493765e-3f, 2.443315711809948e-5f};
