/* The type of the network, and the numbers that belong to it. The polynomials are minimax polynomials. */

typedef double real;

typedef uint64_t word; /* of the bits of a real */

#define FMA fma

#define BITS 52 /* of the fraction */
#define ONE UINT64_C(0x3ff0000000000000)
#define SIGN UINT64_C(0x8000000000000000)
#define UPPER_HALF UINT64_C(0xfffffffff8000000)

#define ROUNDER 0x1.8p52 /* x + ROUNDER - ROUNDER is x rounded; the low bits of the sum hold it */
#define LOG2_E 1.4426950408889634
#define LN2_HIGH 0x1.62e42fefa3p-1
#define LN2_LOW 0x1.3de6af278ece6p-42
#define EXP_LOWEST (-746.0)
#define EXP_HIGHEST 710.0
#define TANH_HIGHEST 20.0
#define EXPM1_LOWEST (-38.0)
#define EXPM1_WIDEST 60.0 /* 2^-n no longer counts in 1 - 2^-n */
#define NORMAL_LOWEST 39.0
#define HALF_PI_PARTS 3

/* (e^r - 1 - r) / r^2 on |r| <= ln(2) / 2 */
static const real EXP[] = {0.5,
                           0.16666666666666674068,
                           4.1666666666621547666e-2,
                           8.3333333333223836431e-3,
                           1.3888888918459644985e-3,
                           1.9841269886514871848e-4,
                           2.4801519396089602638e-5,
                           2.7557242124555638476e-6,
                           2.7620979876089707316e-7,
                           2.5110203436545209880e-8};

/* (ln((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, s^2 <= (3 - sqrt 8)^2 */
static const real LOG[] = {0.66666666666666696273, 0.39999999999898994130, 0.28571428626363626346,
                           0.22222211063782808903, 0.18182894477813643652, 0.15331542506931404622,
                           0.14618652972148699854};

/* (x + 4) e^(x^2/2) Phi(-x) in q = (x - 4) / (x + 4) */
static const real TAIL[] = {
    0.7552851304157515,     -0.6078966419718921,     0.3871374007422157,      -0.186521857959663,
    0.06039657489077965,    -0.0075401889664849205,  -0.00347969236317347,    0.0016308184536818037,
    0.00013334426049594204, -0.0002310949047440859,  -1.9078993516508502e-06, 3.5144565543554696e-05,
    7.151370953310234e-07,  -5.919974971975013e-06,  -6.255272817752527e-07,  1.0217480736418467e-06,
    2.644928054908437e-07,  -1.5642300732826666e-07, -7.742055641394735e-08,  1.593413818268528e-08,
    1.4668820981459954e-08, -2.9488782476978993e-10, -1.1918153804914824e-09};

static const real HALF_PI[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2e037073p-69};

static const real SINE[] = {-1.66666666666666307295e-1, 8.33333333332211858878e-3,  -1.98412698295895385996e-4,
                            2.75573136213857245213e-6,  -2.50507477628578072866e-8, 1.58962301576546568060e-10};

static const real COSINE[] = {4.16666666666665929218e-2,  -1.38888888888730564116e-3, 2.48015872888517045348e-5,
                              -2.75573141792967388112e-7, 2.08757008419747316778e-9,  -1.13585365213876817300e-11};
