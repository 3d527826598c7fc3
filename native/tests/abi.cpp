// The C ABI without Python: trains a network and makes every call, gives wrong sizes, and lets threads meet at one
// network. Built with sanitizers it also shows that the checks read nothing beside the arguments, and that no two
// threads race where one of them is refused.

#include "../api.h"

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

namespace {

std::atomic<int> failures{0};
char text[256];

void check(bool ok, const char *what) {
  if (ok) return;
  failures++;
  std::printf("FAILED: %s (%s)\n", what, text);
}

void name(chainrule_entry &entry, const char *word) {
  std::snprintf(entry.name, sizeof entry.name, "%s", word);
  entry.parameter = 1;
}

constexpr int64_t n = 37, n_1 = 5, n_2 = 11, n_L = 3, neurons = n_2 + n_L,
                  parameters = (n_1 + 1) * n_2 + (n_2 + 1) * n_L;

template <class T> chainrule_matrix matrix(const std::vector<T> &v, int64_t kind, int64_t rows, int64_t columns) {
  const int64_t size = sizeof(T);
  return {v.data(), kind, rows, columns, columns * size, size, v.data(), int64_t(v.size()) * size};
}

// A network 5-11-3 with a mask, a problem of classes, and room for all results, each of exactly its size.
template <class T> struct World {
  static constexpr int64_t kind = sizeof(T) == 8 ? CHAINRULE_FLOAT64 : CHAINRULE_FLOAT32;
  int64_t sizes[3] = {n_1, n_2, n_L};
  chainrule_entry hidden[1];
  std::vector<uint8_t> mask = std::vector<uint8_t>(n_1 * n_2, 1);
  chainrule_mask masks[2] = {{mask.data(), n_1 *n_2}, {nullptr, 0}};
  chainrule_block block[1];
  double dropout[1] = {.3}, layer_rates[2] = {.5, 2};
  std::vector<T> X, weight, theta;
  std::vector<int32_t> classes;
  std::vector<int64_t> order;
  std::vector<double> rates = std::vector<double>(5, .1), costs = std::vector<double>(5);
  std::vector<T> out = std::vector<T>(n * n_L), gradient = std::vector<T>(parameters), moments = gradient;
  std::vector<T> ledger = std::vector<T>(3 * n * neurons);
  std::vector<double> norms = std::vector<double>(n), example_costs = norms;

  World() {
    name(hidden[0], "tanh"), name(block[0].activation, "softmax"), name(block[0].cost, "cross_entropy");
    block[0].start = 0, block[0].stop = n_L;
    mask[7] = 0;
    for (int64_t i = 0; i < n * n_1; i++) X.push_back(T(std::sin(double(i))));
    for (int64_t i = 0; i < n * n_L; i++) weight.push_back(T(1 + i % 2));
    for (int64_t i = 0; i < n; i++) classes.push_back(int32_t(i % n_L)), order.push_back(i);
    for (int64_t i = 0; i < parameters; i++) theta.push_back(i == 7 ? T(0) : T(std::cos(double(i)) / 3));
  }

  chainrule_architecture architecture() const {
    return {sizeof(chainrule_architecture), kind, 2, sizes, hidden, masks, 1, block};
  }
  chainrule_settings settings() const {
    chainrule_settings s{};
    s.size = sizeof s;
    std::strcpy(s.rule, "adam");
    s.parameter[0] = .9, s.parameter[1] = .999, s.parameter[2] = 1e-8;
    s.batch = 8, s.divisor = double(n), s.dropout = dropout, s.rates = layer_rates, s.threads = -2;
    s.clip_norm = s.clip_value = s.clip_example = HUGE_VAL;
    return s;
  }
  chainrule_examples examples(bool weighted = false) const {
    chainrule_matrix none{};
    return {matrix(X, kind, n, n_1), matrix(classes, CHAINRULE_INT32, n, 1),
            weighted ? matrix(weight, kind, n, 1) : none, 0};
  }
  int64_t bytes(const std::vector<T> &v) const { return int64_t(v.size() * sizeof(T)); }

  uint64_t make(bool run) {
    const chainrule_architecture a = architecture();
    const chainrule_settings s = settings();
    uint64_t network = 0;
    check(chainrule_make(&a, run ? &s : nullptr, 16, &network, text, sizeof text) == CHAINRULE_OK, "a network is made");
    return network;
  }
};

template <class T> void train(World<T> &w) {
  const uint64_t run = w.make(true);
  chainrule_step_call call{};
  call.size = sizeof call, call.examples = w.examples(true), call.order = w.order.data(), call.rows = n;
  call.rates = w.rates.data(), call.updates = 5, call.seconds = 100, call.costs = w.costs.data();
  call.theta = w.theta.data(), call.theta_bytes = w.bytes(w.theta);
  check(chainrule_steps(run, &call, text, sizeof text) == CHAINRULE_OK && call.made == 5, "updates are made");
  w.order[3] = n;
  check(chainrule_steps(run, &call, text, sizeof text) == CHAINRULE_ARGUMENT, "a row that is not there is refused");
  w.order[3] = 3, call.theta_bytes--;
  check(chainrule_steps(run, &call, text, sizeof text) == CHAINRULE_ARGUMENT, "a short theta is refused");
  int64_t step = 0;
  std::vector<T> slots(2 * parameters);
  check(chainrule_get_slots(run, slots.data(), w.bytes(slots), &step, text, sizeof text) == CHAINRULE_OK, "slots");
  check(step == 5, "the updates are counted");
  check(chainrule_set_slots(run, slots.data(), w.bytes(slots) + 1, 3, text, sizeof text) == CHAINRULE_ARGUMENT,
        "slots of another size are refused");
  const chainrule_examples e = w.examples();
  check(chainrule_set_theta(run, w.theta.data(), w.bytes(w.theta), text, sizeof text) == CHAINRULE_OK, "theta is set");
  std::vector<T> dropped(4 * n * neurons);
  check(chainrule_ledger(run, &e, 1, 2, -2, dropped.data(), w.bytes(dropped), w.example_costs.data(), n, text,
                         sizeof text) == CHAINRULE_OK,
        "a run has a ledger with dropout");
  check(chainrule_ledger(run, &e, -1, 2, -2, dropped.data(), w.bytes(dropped), w.example_costs.data(), n, text,
                         sizeof text) == CHAINRULE_ARGUMENT,
        "an epoch below 0 is refused");
  check(chainrule_drop(run, text, sizeof text) == CHAINRULE_OK, "a run is dropped");
  check(chainrule_steps(run, &call, text, sizeof text) == CHAINRULE_DROPPED, "a dropped run is refused");
}

// The rows of X without their elements below 0, each array of exactly its size.
template <class T> struct SparseWorld {
  std::vector<T> values;
  std::vector<int32_t> places;
  std::vector<int64_t> offsets{0};

  explicit SparseWorld(const World<T> &w) {
    for (int64_t i = 0; i < n; i++, offsets.push_back(int64_t(values.size())))
      for (int64_t j = 0; j < n_1; j++)
        if (const T x = w.X[size_t(i * n_1 + j)]; x > 0) values.push_back(x), places.push_back(int32_t(j));
  }
  chainrule_matrix matrix() const {
    const int64_t bytes = int64_t(values.size() * sizeof(T));
    return {values.data(), World<T>::kind,        n, n_1, 0, 0, values.data(), bytes, offsets.data(),
            places.data(), int64_t(values.size())};
  }
};

// Training, predictions, costs and gradients of sparse inputs are those of the same rows stored dense.
template <class T> void sparse() {
  World<T> dense, thin;
  SparseWorld<T> X(dense);
  for (T &x : dense.X) x = x > 0 ? x : T(0);
  for (World<T> *w : {&dense, &thin}) {
    chainrule_examples e = w->examples(true);
    if (w == &thin) e.X = X.matrix();
    const uint64_t run = w->make(true), net = w->make(false);
    chainrule_step_call call{};
    call.size = sizeof call, call.examples = e, call.order = w->order.data(), call.rows = n;
    call.rates = w->rates.data(), call.updates = 5, call.seconds = 100, call.costs = w->costs.data();
    call.theta = w->theta.data(), call.theta_bytes = w->bytes(w->theta);
    check(chainrule_steps(run, &call, text, sizeof text) == CHAINRULE_OK && call.made == 5, "updates are made");
    check(chainrule_set_theta(net, w->theta.data(), w->bytes(w->theta), text, sizeof text) == CHAINRULE_OK, "theta");
    chainrule_predict_call predicted{sizeof predicted, e.X, 0, -2, w->out.data(), w->bytes(w->out)};
    check(chainrule_predict(net, &predicted, text, sizeof text) == CHAINRULE_OK, "predictions");
    check(chainrule_cost(net, &e, -2, w->norms.data(), text, sizeof text) == CHAINRULE_OK, "a cost");
    check(chainrule_gradient(net, &e, double(n), .1, .1, -2, w->gradient.data(), w->bytes(w->gradient), text,
                             sizeof text) == CHAINRULE_OK,
          "a gradient");
    check(chainrule_drop(run, text, sizeof text) == CHAINRULE_OK, "a run is dropped");
    check(chainrule_drop(net, text, sizeof text) == CHAINRULE_OK, "a network is dropped");
  }
  const bool same = dense.theta == thin.theta && dense.out == thin.out && dense.gradient == thin.gradient;
  check(same && dense.norms[0] == thin.norms[0], "sparse inputs are those inputs");
  X.places[1] = X.places[0];
  const chainrule_matrix wrong = X.matrix();
  chainrule_predict_call call{sizeof call, wrong, 0, -2, thin.out.data(), thin.bytes(thin.out)};
  const uint64_t net = thin.make(false);
  check(chainrule_predict(net, &call, text, sizeof text) == CHAINRULE_ARGUMENT,
        "columns that do not ascend are refused");
  chainrule_drop(net, text, sizeof text);
}

// Every pure function, with `more` bytes or rows than its results take.
template <class T> int pure(World<T> &w, uint64_t net, int64_t more) {
  const chainrule_examples e = w.examples(), weighted = w.examples(true);
  chainrule_predict_call call{sizeof(chainrule_predict_call), e.X, 1, -2, w.out.data(), w.bytes(w.out) + more};
  int good = 0;
  good += chainrule_predict(net, &call, text, sizeof text) == CHAINRULE_OK;
  good += chainrule_gradient(net, &weighted, double(n), .1, .1, -2, w.gradient.data(), w.bytes(w.gradient) + more, text,
                             sizeof text) == CHAINRULE_OK;
  good += chainrule_second_moments(net, &weighted, -2, w.moments.data(), w.bytes(w.moments) + more, text,
                                   sizeof text) == CHAINRULE_OK;
  good += chainrule_norms(net, &e, -2, w.norms.data(), n + more, text, sizeof text) == CHAINRULE_OK;
  good += chainrule_ledger(net, &e, 0, 0, -2, w.ledger.data(), w.bytes(w.ledger) + more, w.example_costs.data(), n,
                           text, sizeof text) == CHAINRULE_OK;
  good += chainrule_ledger(net, &e, 0, 0, -2, w.ledger.data(), w.bytes(w.ledger), w.example_costs.data(), n + more,
                           text, sizeof text) == CHAINRULE_OK;
  return good;
}

template <class T> void compute(World<T> &w) {
  const uint64_t net = w.make(false);
  check(chainrule_set_theta(net, w.theta.data(), w.bytes(w.theta) + 1, text, sizeof text) == CHAINRULE_ARGUMENT,
        "a theta of another size is refused");
  check(chainrule_set_theta(net, w.theta.data(), w.bytes(w.theta), text, sizeof text) == CHAINRULE_OK, "theta is set");
  check(pure(w, net, 0) == 6, "all pure functions compute");
  check(pure(w, net, 1) == 0 && pure(w, net, -1) == 0, "results of another size are refused");
  double cost = 0;
  const chainrule_examples e = w.examples(), weighted = w.examples(true);
  check(chainrule_cost(net, &e, -2, &cost, text, sizeof text) == CHAINRULE_OK && std::isfinite(cost), "the cost");
  check(chainrule_ledger(net, &weighted, 0, 0, -2, w.ledger.data(), w.bytes(w.ledger), w.example_costs.data(), n, text,
                         sizeof text) == CHAINRULE_ARGUMENT,
        "a ledger refuses weights of rows");
  for (int64_t j = 0; j < n_L; j++)  // A of the last layer, behind the block of layer 2 and Z
    check(w.ledger[size_t(3 * n * n_2 + n * n_L + j)] == w.out[size_t(j)], "the ledger has the bits of predict");
  check(chainrule_drop(net, text, sizeof text) == CHAINRULE_OK, "a network is dropped");
}

// Threads predict, train and drop at once: each is done, or refused as busy or dropped.
template <class T> void meet() {
  World<T> shared;
  const uint64_t net = shared.make(false);
  char line[256];
  check(chainrule_set_theta(net, shared.theta.data(), shared.bytes(shared.theta), line, sizeof line) == CHAINRULE_OK,
        "theta is set");
  std::vector<std::thread> threads;
  for (int k = 0; k < 4; k++)
    threads.emplace_back([net, k] {
      World<T> own;
      char said[256];
      for (int i = 0; i < 50; i++) {
        const chainrule_examples e = own.examples();
        chainrule_predict_call call{sizeof(chainrule_predict_call), e.X, 0, 1, own.out.data(), own.bytes(own.out)};
        int32_t code = CHAINRULE_OK;
        if (k < 2)
          code = chainrule_predict(net, &call, said, sizeof said);
        else if (k == 2)
          code = chainrule_norms(net, &e, 1, own.norms.data(), n, said, sizeof said);
        else if (i == 25)
          code = chainrule_drop(net, said, sizeof said);
        check(code == CHAINRULE_OK || code == CHAINRULE_BUSY || code == CHAINRULE_DROPPED, "done or refused");
      }
    });
  for (std::thread &thread : threads) thread.join();
  chainrule_drop(net, line, sizeof line);
  check(chainrule_drop(net, line, sizeof line) == CHAINRULE_DROPPED, "a network is dropped once");
}

template <class T> void drive() {
  World<T> w;
  train(w);
  compute(w);
  sparse<T>();
  meet<T>();
}

}  // namespace

int main() {
  if (!chainrule_instructions(text, sizeof text)) return std::printf("%s\n", text), 1;
  drive<float>();
  drive<double>();
  std::printf("the ABI: %d failures\n", failures.load());
  return failures != 0;
}
