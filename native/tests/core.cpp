// The whole core without Python: trains small networks of every kind on one thread and on several, and compares bits.
// Built with sanitizers it also shows that no pass reads or writes outside its memory or races with another.

#include "../dispatch.h"
#include "../half_kernels.h"
#include "../threads.h"
#include "../types.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

using namespace chainrule;

namespace {

int failures = 0;

void check(bool ok, const char *what, const char *where) {
  if (ok) return;
  failures++;
  std::printf("FAILED: %s (%s)\n", what, where);
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// A fixed sequence of numbers in [-1, 1).
struct Numbers {
  uint64_t state = 88172645463325252u;
  double next() {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return double(state >> 11) / double(1ull << 52) - 1;
  }
};

struct Case {
  const char *name;
  std::vector<Index> sizes;
  const char *activation, *output, *cost, *rule;
  double parameter[6];
  Index rows, batch;
  double alpha, dropout, clip_norm, clip_example;
  bool masked, classes, by_term;
  std::vector<double> rates = {};  // factors of the learning rate by layer, if layers differ
};

const double inf = HUGE_VAL;

// clang-format off
const std::vector<Case> cases = {
    {"plain", {7, 13, 3}, "sigmoid", "sigmoid", "quadratic", "sgd", {0, 0},
     53, 10, 0, 0, inf, inf, false, false, false},
    {"softmax", {5, 33, 17, 10}, "relu", "softmax", "cross_entropy", "adam", {.9, .999, 1e-8},
     77, 32, 0, 0, inf, inf, false, true, false},
    {"no hidden layer", {9, 1}, "relu", "identity", "quadratic", "sgd", {.9, 1},
     20, 20, .5, 0, inf, inf, false, false, true},
    {"three slots", {6, 35, 3}, "mish", "softmax", "cross_entropy", "amsgrad", {.9, .999, 1e-8},
     30, 8, 0, 0, inf, inf, true, true, false},
    {"momentum ahead", {4, 19, 2}, "sine", "identity", "quadratic", "nadam", {.9, .999, 1e-8, 4e-3},
     30, 8, 0, 0, .5, inf, false, false, false},
    {"sums of squares", {4, 40, 2}, "prelu", "softsign", "quadratic", "adagrad", {1e-10},
     30, 8, .1, 0, inf, inf, false, false, false},
    {"signs", {4, 18, 2}, "relu6", "hardtanh", "quadratic", "lion", {.9, .99, .01},
     30, 8, 0, 0, inf, inf, false, false, false},
    {"dropped", {4, 50, 49, 2}, "gelu", "softmax", "cross_entropy", "adamw", {.9, .999, 1e-8, .01},
     40, 7, .1, .4, inf, inf, true, true, false},
    {"clipped", {3, 100, 5}, "softmax", "identity", "huber", "rmsprop", {.9, 1e-8},
     31, 8, 0, .2, .05, inf, true, false, false},
    {"by example", {200, 40, 1}, "tanh", "sigmoid", "binary_cross_entropy", "rprop", {1.2, .5, 1e-6, 50, .01},
     66, 66, 0, 0, inf, .1, false, false, false},
    {"deep sum", {600, 3, 550, 2}, "elu", "identity", "quadratic", "sgd", {0, 0},
     1100, 1100, 0, 0, inf, inf, false, false, false},
    {"by example under masks", {20, 37, 3}, "tanh", "softmax", "cross_entropy", "adam", {.9, .999, 1e-8},
     75, 40, 0, 0, inf, .1, true, true, false},
    {"products in blocks", {1500, 100, 3}, "relu", "softmax", "cross_entropy", "sgd", {.9, 0},
     200, 200, .1, 0, inf, inf, false, true, false},
    {"narrow outputs that decay", {25, 9, 1}, "tanh", "identity", "quadratic", "adam", {.9, .999, 1e-8},
     40, 40, .5, 0, inf, inf, false, false, false},
    {"mean of its points", {6, 35, 3}, "tanh", "softmax", "cross_entropy", "schedule_free", {.9, .999, 1e-8, .01, 3},
     30, 8, .1, .2, inf, inf, true, true, false},
    {"matrices", {40, 70, 33, 3}, "tanh", "identity", "quadratic", "muon", {.95, 1, 5, .01, .001, .02},
     30, 8, 0, 0, inf, inf, false, false, false},
    {"matrices on their side and upright", {5, 49, 130, 70, 3}, "relu", "identity", "quadratic", "muon",
     {.95, 1, 2, .01, .001, .02}, 30, 15, 0, 0, inf, inf, false, false, false},
    {"masked matrices", {6, 35, 18, 3}, "relu", "softmax", "cross_entropy", "muon", {.95, 0, 3, 0, .001, .02},
     30, 8, .1, .2, .5, inf, true, true, false, {1, .5, 2}},
    {"frozen", {6, 34, 20, 3}, "tanh", "softmax", "cross_entropy", "adamw", {.9, .999, 1e-8, .01},
     40, 8, .1, .2, inf, inf, true, true, true, {0, .5, 3}},
    {"frozen and clipped", {6, 34, 20, 3}, "relu", "identity", "quadratic", "sgd", {.9, 0},
     40, 8, 0, 0, .1, .2, false, false, false, {2, 0, 1}},
};
// clang-format on

template <class T> struct Problem {
  const Case &c;
  std::vector<T> X, targets, weight, theta;
  std::vector<int32_t> classes;
  std::vector<int64_t> order;
  std::vector<double> rates;
  std::vector<std::vector<unsigned char>> masks;
  std::vector<char> shifted;  // X, one byte past an aligned address, if it is to be read from there

  explicit Problem(const Case &chosen) : c(chosen) {
    Numbers random;
    const Index n_L = c.sizes.back();
    for (Index i = 0; i < c.rows * c.sizes[0]; i++) X.push_back(T(random.next()));
    for (Index i = 0; i < c.rows * n_L; i++) targets.push_back(T(.5 + .5 * random.next()));
    for (Index i = 0; i < c.rows * n_L; i++) weight.push_back(T(1.5 + random.next()));
    for (Index i = 0; i < c.rows; i++) classes.push_back(int32_t(i % n_L)), order.push_back((i * 7) % c.rows);
    for (size_t k = 0; k + 1 < c.sizes.size(); k++) {
      masks.emplace_back();
      for (Index i = 0; i < (c.sizes[k] + 1) * c.sizes[k + 1]; i++) {
        const bool weight_of_mask = i < c.sizes[k] * c.sizes[k + 1];
        const bool kept = !c.masked || !weight_of_mask || i % 3;
        if (weight_of_mask) masks.back().push_back(kept);
        theta.push_back(kept ? T(random.next() / std::sqrt(double(c.sizes[k]))) : T(0));
      }
    }
    for (Index k = 0; k * c.batch < c.rows; k++) rates.push_back(.01);
  }

  void shift_X() {
    const char *bytes = (const char *)X.data();
    shifted.assign(1, 0);
    shifted.insert(shifted.end(), bytes, bytes + X.size() * sizeof(T));
  }
  static int kind() { return sizeof(T) == 4 ? Float32 : Float64; }
  static Matrix matrix(const std::vector<T> &v, Index rows, Index columns) {
    return {(const char *)v.data(), kind(), rows, columns, columns * Index(sizeof(T)), Index(sizeof(T))};
  }
  Examples examples() const {
    const Index n_L = c.sizes.back();
    Matrix T_ = c.classes ? Matrix{(const char *)classes.data(), Int32, c.rows, 1, 4, 4} : matrix(targets, c.rows, n_L);
    Matrix X_ = matrix(X, c.rows, c.sizes[0]);
    if (!shifted.empty()) X_.data = shifted.data() + 1;
    return {X_, T_, matrix(weight, c.rows, c.by_term ? n_L : 1), c.by_term};
  }
};

template <class T> struct Trained {
  std::vector<T> theta, slots, predicted, gradient, moments;
  std::vector<double> costs, norms, ledger_costs;
  std::vector<T> ledger, dropped;
  double cost;
};

Settings settings_of(const Core &core, const Case &c, const double *dropout) {
  Settings s{};
  s.rule.kind = core.rule(c.rule);
  std::memcpy(s.rule.parameter, c.parameter, sizeof c.parameter);
  s.batch = c.batch, s.divisor = double(c.rows), s.alpha = c.alpha, s.seed = 7;
  s.dropout = c.dropout > 0 ? dropout : nullptr;
  s.rates = c.rates.empty() ? nullptr : c.rates.data();
  s.clip_norm = c.clip_norm, s.clip_value = inf, s.clip_example = c.clip_example;
  return s;
}

// Two epochs: result.theta, .costs and .slots.
template <class T>
void run(const Engine &engine, const Architecture &a, const Settings &s, const Problem<T> &p, const Team &team,
         Trained<T> &result) {
  void *net = engine.make(a, &s, p.c.batch, team.threads);
  const Index updates = Index(p.rates.size());
  result.costs.resize(p.rates.size());
  for (Index epoch = 0; epoch < 2; epoch++) {
    double *costs = result.costs.data();
    Steps steps{p.examples(), p.order.data(), p.c.rows, p.rates.data(), updates, epoch, 0, 100, costs};
    check(engine.steps(net, result.theta.data(), steps, team) == steps.updates, "all updates are made", p.c.name);
  }
  result.slots.resize(size_t(engine.slots(net)) * p.theta.size());
  engine.get_slots(net, result.slots.data());
  engine.drop(net);
}

// What the pure functions compute with the trained theta.
template <class T>
void compute(const Engine &engine, const Architecture &a, const Problem<T> &p, const Team &team, Trained<T> &result) {
  void *net = engine.make(a, nullptr, 16, team.threads);
  engine.set_theta(net, result.theta.data());
  result.predicted.resize(size_t(p.c.rows * p.c.sizes.back()));
  check(engine.predict(net, p.examples().X, result.predicted.data(), team), "predict has memory", p.c.name);
  result.gradient.resize(p.theta.size());
  engine.gradient(net, p.examples(), 10, .1, .1, result.gradient.data(), team);
  result.moments.resize(p.theta.size());
  engine.second_moments(net, p.examples(), result.moments.data(), team);
  result.cost = engine.cost(net, p.examples(), team);
  result.norms.resize(size_t(p.c.rows));
  engine.norms(net, p.examples(), result.norms.data(), team);
  Index neurons = 0;
  for (size_t l = 1; l < p.c.sizes.size(); l++) neurons += p.c.sizes[l];
  result.ledger.resize(size_t(3 * p.c.rows * neurons));
  result.ledger_costs.resize(size_t(p.c.rows));
  engine.ledger(net, p.examples(), 0, 0, result.ledger.data(), result.ledger_costs.data(), team);
  engine.drop(net);
}

// The ledger of the first batch of the second epoch, with dropout if the case has any.
template <class T>
void compute_dropped(const Engine &engine, const Architecture &a, const Settings &s, const Problem<T> &p,
                     const Team &team, Trained<T> &result) {
  void *net = engine.make(a, &s, p.c.batch, team.threads);
  engine.set_theta(net, result.theta.data());
  Index neurons = 0;
  for (size_t l = 1; l < p.c.sizes.size(); l++) neurons += p.c.sizes[l];
  result.dropped.resize(size_t((s.dropout ? 4 : 3) * p.c.rows * neurons));
  std::vector<double> costs(size_t(p.c.rows));
  engine.ledger(net, p.examples(), 1, 0, result.dropped.data(), costs.data(), team);
  engine.drop(net);
}

template <class T>
Trained<T> train(const Core &core, const Engine &engine, const Problem<T> &p, int threads, const HalfKernels *half) {
  const Case &c = p.c;
  const Index H = Index(c.sizes.size()) - 1;
  std::vector<Activation> hidden(size_t(H), Activation{core.activation(c.activation), 1});
  std::vector<double> dropout(size_t(H), c.dropout);
  std::vector<const unsigned char *> masks;
  for (auto &m : p.masks) masks.push_back(c.masked ? m.data() : nullptr);
  const Block block{{core.activation(c.output), 1}, core.cost(c.cost), 1, 0, int(c.sizes.back())};
  const Architecture a{H, c.sizes.data(), hidden.data(), masks.data(), 1, &block};
  const Team team{threads, parallel, barrier, now, true};
  Trained<T> result;
  result.theta = p.theta;
  Settings settings = settings_of(core, c, dropout.data());
  settings.half = half;
  run(engine, a, settings, p, team, result);
  compute(engine, a, p, team, result);
  compute_dropped(engine, a, settings, p, team, result);
  return result;
}

template <class V> bool same(const V &a, const V &b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
}

template <class T> bool frozen_layers_kept(const Problem<T> &p, const std::vector<T> &theta) {
  size_t at = 0;
  for (size_t k = 0; k < p.c.rates.size(); k++) {
    const size_t count = size_t((p.c.sizes[k] + 1) * p.c.sizes[k + 1]);
    if (p.c.rates[k] == 0 && std::memcmp(&theta[at], &p.theta[at], count * sizeof(T)) != 0) return false;
    at += count;
  }
  return true;
}

// With `half` trainings are in half precision.
template <class T> void compare(const Core &core, const Engine &engine, const HalfKernels *half = nullptr) {
  for (const Case &c : cases) {
    const Problem<T> p(c);
    const Trained<T> alone = train(core, engine, p, 1, half);
    check(std::isfinite(alone.cost) && !same(alone.theta, p.theta), "something was learnt", c.name);
    check(frozen_layers_kept(p, alone.theta), "frozen layers keep their bits", c.name);
    for (int threads : {2, 3, 8}) {
      const Trained<T> team = train(core, engine, p, threads, half);
      check(same(alone.theta, team.theta) && same(alone.slots, team.slots), "weights do not depend on threads", c.name);
      check(same(alone.costs, team.costs) && alone.cost == team.cost, "costs do not depend on threads", c.name);
      check(same(alone.moments, team.moments) && same(alone.ledger_costs, team.ledger_costs),
            "moments and costs of examples do not depend on threads", c.name);
      check(same(alone.predicted, team.predicted) && same(alone.gradient, team.gradient) &&
                same(alone.norms, team.norms) && same(alone.ledger, team.ledger) && same(alone.dropped, team.dropped),
            "pure functions do not depend on threads", c.name);
    }
    Problem<T> moved(c);
    moved.shift_X();
    const Trained<T> other = train(core, engine, moved, 1, half);
    check(same(alone.theta, other.theta) && same(alone.predicted, other.predicted), "X may lie anywhere", c.name);
  }
}

}  // namespace

int main() {
  char error[256];
  const Core *core = choose_core(nullptr, error, sizeof error);
  if (!core) return std::printf("%s\n", error), 1;
  acquire(8);
  compare<float>(*core, core->f32);
  compare<double>(*core, core->f64);
  if (core->vector_bytes == 64 && choose_half()) compare<float>(*core, core->f32, choose_half());
  std::printf(failures ? "%d failures\n" : "the core: every case has the same bits on 1, 2, 3 and 8 threads\n",
              failures);
  return failures != 0;
}
