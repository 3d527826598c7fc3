/* The C ABI of the core, for other languages: plain structs and numbers; no exception leaves it.
 *
 * Every function that can fail returns a code and writes one line to `text`: at most `capacity` bytes with the final 0.
 * Every argument struct that may grow begins with its own size in bytes, which must be that of this version.
 *
 *     make      architecture, settings or none   → the handle of a network, until chainrule_drop
 *     steps     theta, examples, order, rates    → theta, costs
 *     predict   X                                → A^L; one network from any number of threads at once
 *     cost, gradient, norms   examples           → C, dC/dtheta, the length of each example's own gradient
 *     ledger    examples                         → Z, A and delta of every layer from 2, C_x
 *     second_moments          examples           → the mean of s (dC_x/dtheta)^2, element by element
 *
 * A handle is never used again, so a dropped network is refused and its memory not touched. All calls but predict use a
 * network exclusively: a second thread is refused.
 */
#ifndef CHAINRULE_API_H
#define CHAINRULE_API_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHAINRULE_ABI 4

#ifdef _WIN32
#define CHAINRULE_PUBLIC __declspec(dllexport)
#else
#define CHAINRULE_PUBLIC __attribute__((visibility("default")))
#endif

enum {
  CHAINRULE_OK = 0,
  CHAINRULE_ARGUMENT = 1,  /* an argument that is not allowed */
  CHAINRULE_LACKS = 2,     /* a name that the core does not have */
  CHAINRULE_MEMORY = 3,    /* not enough memory */
  CHAINRULE_BUSY = 4,      /* the network is in use by another thread */
  CHAINRULE_DROPPED = 5    /* no network has this handle, or it was dropped */
};

enum { CHAINRULE_NONE = 0, CHAINRULE_FLOAT32 = 1, CHAINRULE_FLOAT64 = 2, CHAINRULE_INT32 = 3 };

enum { CHAINRULE_ACTIVATIONS = 0, CHAINRULE_COSTS = 1, CHAINRULE_RULES = 2 };

/* Of the operands of matrix products: that of the network, or bfloat16 with sums in float32. */
enum { CHAINRULE_WHOLE = 0, CHAINRULE_BF16 = 1 };

/* A name with its final 0, and the parameter of the entry, if it has one. */
typedef struct {
  char name[32];
  double parameter;
} chainrule_entry;

/* Neurons start..stop-1 of the output layer. */
typedef struct {
  chainrule_entry activation, cost;
  int64_t start, stop;
} chainrule_block;

/* One byte for each weight of a layer, row-major, 0 for a weight that stays 0; without data the layer has no mask. */
typedef struct {
  const uint8_t *data;
  int64_t bytes;
} chainrule_mask;

/* sizes: layers + 1 of them; hidden: layers - 1; masks: null, or one for each layer. */
typedef struct {
  int64_t size;
  int64_t dtype; /* CHAINRULE_FLOAT32 or CHAINRULE_FLOAT64 */
  int64_t layers;
  const int64_t *sizes;
  const chainrule_entry *hidden;
  const chainrule_mask *masks;
  int64_t blocks;
  const chainrule_block *block;
} chainrule_architecture;

/* threads, here and below: the most to use; 0 leaves the number to the core; -n: n for all work, however little (for
 * tests). dropout: null, or layers - 1 probabilities. Bounds are infinite for none.
 * rates: null, or one factor of the learning rate for each layer of weights, from 0, which freezes the layer.
 * precision: CHAINRULE_BF16 needs a network in float32, and chainrule_half. */
typedef struct {
  int64_t size;
  char rule[32];
  double parameter[6];
  int64_t batch;
  double divisor, alpha, l1;
  const double *dropout;
  double clip_norm, clip_value, clip_example;
  uint64_t seed;
  int64_t threads;
  const double *rates;
  int64_t precision;
} chainrule_settings;

/* rows x columns elements, strides in bytes; every element lies within [begin, begin + bytes).
 * offsets: null, or of a sparse X rows + 1 numbers: row r then has the elements offsets[r] to offsets[r + 1] - 1 of
 * `data`, one after the other, in the columns places[...], which ascend; its other elements are 0. There are `entries`
 * elements and places. Predictions, costs, gradients and updates take it. */
typedef struct {
  const void *data;
  int64_t kind;
  int64_t rows, columns;
  int64_t row_stride, column_stride;
  const void *begin;
  int64_t bytes;
  const int64_t *offsets;
  const int32_t *places;
  int64_t entries;
} chainrule_matrix;

/* T: (n, n_L) numbers or (n, blocks) int32 classes; weight: none, (n, 1) of rows, or (n, n_L) of terms. */
typedef struct {
  chainrule_matrix X, T, weight;
  int64_t by_term;
} chainrule_examples;

/* One call of steps; `costs` holds `updates` numbers; theta is of the network's type and theta_bytes long. */
typedef struct {
  int64_t size;
  chainrule_examples examples;
  const int64_t *order;
  int64_t rows;
  const double *rates;
  int64_t updates;
  int64_t epoch, first_batch;
  double seconds; /* after which it returns, between two updates */
  double *costs;
  void *theta;
  int64_t theta_bytes;
  int64_t made; /* out: the updates made */
} chainrule_step_call;

/* out: X.rows x n_L elements of the network's type, row-major; finite: 1 refuses an X that is not finite in that
 * type, and outputs that are not, after they are written. */
typedef struct {
  int64_t size;
  chainrule_matrix X;
  int64_t finite;
  int64_t threads;
  void *out;
  int64_t out_bytes;
} chainrule_predict_call;

CHAINRULE_PUBLIC int64_t chainrule_abi(void);

/* The instruction set that computes; null, and a line, if this machine runs none, or not the one of CHAINRULE_ISA. */
CHAINRULE_PUBLIC const char *chainrule_instructions(char *text, int64_t capacity);
/* The instruction sets that this machine runs: "v4, v3, v2". */
CHAINRULE_PUBLIC void chainrule_runnable(char *names, int64_t capacity);
/* The kernels of CHAINRULE_BF16; null, and a line, if this machine runs none, or not those of CHAINRULE_HALF. */
CHAINRULE_PUBLIC const char *chainrule_half(char *text, int64_t capacity);
/* The number of threads that a call uses if it is left to the core. */
CHAINRULE_PUBLIC int64_t chainrule_threads(void);

/* Whether the core has an activation, a cost or a rule of a name. */
CHAINRULE_PUBLIC int64_t chainrule_has(int64_t what, const char *name);

/* `settings` is null for a network that is not trained; it then computes `rows` rows together, at most 8,192. */
CHAINRULE_PUBLIC int32_t chainrule_make(const chainrule_architecture *, const chainrule_settings *, int64_t rows,
                                        uint64_t *network, char *text, int64_t capacity);
CHAINRULE_PUBLIC int32_t chainrule_drop(uint64_t network, char *text, int64_t capacity);

CHAINRULE_PUBLIC int32_t chainrule_set_theta(uint64_t network, const void *theta, int64_t bytes, char *text,
                                             int64_t capacity);
CHAINRULE_PUBLIC int32_t chainrule_steps(uint64_t network, chainrule_step_call *, char *text, int64_t capacity);

/* Slots lie one after the other, each like theta. */
CHAINRULE_PUBLIC int32_t chainrule_get_slots(uint64_t network, void *slots, int64_t bytes, int64_t *step, char *text,
                                             int64_t capacity);
CHAINRULE_PUBLIC int32_t chainrule_set_slots(uint64_t network, const void *slots, int64_t bytes, int64_t step,
                                             char *text, int64_t capacity);

CHAINRULE_PUBLIC int32_t chainrule_predict(uint64_t network, const chainrule_predict_call *, char *text,
                                           int64_t capacity);
CHAINRULE_PUBLIC int32_t chainrule_cost(uint64_t network, const chainrule_examples *, int64_t threads, double *cost,
                                        char *text, int64_t capacity);
CHAINRULE_PUBLIC int32_t chainrule_gradient(uint64_t network, const chainrule_examples *, double divisor, double alpha,
                                            double l1, int64_t threads, void *out, int64_t bytes, char *text,
                                            int64_t capacity);
CHAINRULE_PUBLIC int32_t chainrule_second_moments(uint64_t network, const chainrule_examples *, int64_t threads,
                                                  void *out, int64_t bytes, char *text, int64_t capacity);
CHAINRULE_PUBLIC int32_t chainrule_norms(uint64_t network, const chainrule_examples *, int64_t threads, double *norms,
                                         int64_t rows, char *text, int64_t capacity);
/* out: for each layer from 2 its Z, A and delta, each X.rows x n_l elements of the network's type, row-major, one after
 * the other; costs: C_x of each row. Weights of rows do not enter; weights of terms are part of C_x. A network that was
 * made with dropout drops neurons as in update `batch` of `epoch`; the activations before dropout then follow each
 * delta. This is the one function of examples that also takes a run, after chainrule_set_theta. */
CHAINRULE_PUBLIC int32_t chainrule_ledger(uint64_t network, const chainrule_examples *, int64_t epoch, int64_t batch,
                                          int64_t threads, void *out, int64_t bytes, double *costs, int64_t rows,
                                          char *text, int64_t capacity);

#ifdef __cplusplus
}
#endif
#endif
