// The C ABI (api.h): checks arguments, looks up networks by handle, and calls the table of the instruction set.

#include "api.h"

#include <chrono>
#include <cstdlib>

#include "checks.h"
#include "dispatch.h"
#include "handles.h"
#include "reading.h"
#include "threads.h"

namespace chainrule {

namespace {

// What the API knows of a network; the rest is known to its instruction set.
struct Net {
  const Engine *engine;
  void *made;
  int64_t dtype, n_1, n_2, n_L, neurons, blocks, parameters, slots;  // neurons: n_2 + ... + n_L
  int64_t batch;  // of a run, else 0
  int64_t step;
  bool drops;  // whether any layer has dropout
  double work;  // multiplications of one row's forward pass
  int threads;  // at most
  int64_t requested_threads;  // of a run
};

using Networks = Handles<Net>;
Networks networks;

// The entry of a handle, entered; null after an error.
Networks::Entry *enter(Report &report, uint64_t handle, bool exclusive) {
  Networks::Entry *entry;
  switch (networks.enter(handle, exclusive, entry)) {
    case Networks::Entered: return entry;
    case Networks::Busy: report.refuse(CHAINRULE_BUSY, "the network is in use by another thread"); break;
    case Networks::Dropped: report.refuse(CHAINRULE_DROPPED, "no network has this handle, or it was dropped"); break;
  }
  return nullptr;
}

// A network entered until the end of the scope.
class Visit {
 public:
  Visit(Report &report, uint64_t handle, bool exclusive)
      : entry(enter(report, handle, exclusive)), exclusive(exclusive) {}
  ~Visit() {
    if (entry) networks.leave(entry, exclusive);
  }
  Visit(const Visit &) = delete;
  Visit &operator=(const Visit &) = delete;
  explicit operator bool() const { return entry; }
  Net *operator->() const { return &entry->net; }
  Net &operator*() const { return entry->net; }

 private:
  Networks::Entry *entry;
  bool exclusive;
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// The core that computes; null, and the reason, where this machine runs none.
const Core *chosen_core(Report &report) {
  const Core *core = choose_core();
  if (core) return core;
  report.code = CHAINRULE_LACKS;
  if (report.text && report.capacity > 0)
    choose_core(std::getenv("CHAINRULE_ISA"), report.text, size_t(report.capacity));
  return nullptr;
}

// --- making ---------------------------------------------------------------------------------------------------------

int at_most(int64_t threads) {
  const int64_t wanted = threads < 1 ? available_threads() : threads;
  return int(wanted < most_threads ? wanted : most_threads);
}

void describe(Net &net, const chainrule_architecture &a, const chainrule_settings *settings) {
  net.dtype = a.dtype, net.n_1 = a.sizes[0], net.n_2 = a.sizes[1], net.n_L = a.sizes[a.layers], net.blocks = a.blocks;
  for (int64_t k = 0; k < a.layers; k++) {
    net.neurons += a.sizes[k + 1];
    net.parameters += (a.sizes[k] + 1) * a.sizes[k + 1];
    net.work += double(a.sizes[k]) * double(a.sizes[k + 1]);
  }
  for (int64_t l = 0; settings && settings->dropout && l < a.layers - 1; l++) net.drops |= settings->dropout[l] > 0;
  net.batch = settings ? settings->batch : 0;
  net.requested_threads = settings ? settings->threads : 0;
  net.threads = at_most(net.requested_threads < 0 ? -net.requested_threads : net.requested_threads);
}

// A bound of the memory that a network takes, in bytes; double, so that it cannot overflow.
double bytes_needed(const chainrule_architecture &a, double rows, int threads) {
  double weights = 0, neurons = 0;
  for (int64_t k = 0; k < a.layers; k++) weights += (double(a.sizes[k]) + 65) * (double(a.sizes[k + 1]) + 65);
  for (int64_t l = 0; l <= a.layers; l++) neurons += double(a.sizes[l]) + 65;
  return 8 * (8 * weights + 8 * (rows + 64) * neurons + (rows + 64) * 256 * threads);
}

// Makes a network in the instruction set's core; settings are those of a run, or null. False after an error.
bool make(Report &report, const chainrule_architecture &architecture, const chainrule_settings *run, int64_t rows,
          Net &net) {
  if (!check_sizes(report, architecture)) return false;
  const Core *core = chosen_core(report);
  if (!core) return false;
  ArchitectureArrays arrays(architecture);
  if (!read_architecture(report, *core, architecture, arrays)) return false;
  Settings settings{};
  if (run && !read_settings(report, *core, architecture, *run, settings)) return false;
  if (run) rows = run->batch < chunk ? run->batch : chunk;
  if (!report.within("the number of rows together", rows, 1, chunk)) return false;
  describe(net, architecture, run);
  const double bytes = bytes_needed(architecture, double(rows), net.threads);
  if (bytes > 1e17)
    return report.refuse(CHAINRULE_MEMORY, "not enough memory: the network would take about %.0e bytes", bytes);
  net.engine = architecture.dtype == CHAINRULE_FLOAT64 ? &core->f64 : &core->f32;
  const Architecture a{Index(architecture.layers), arrays.sizes.data,          arrays.hidden.data,
                       arrays.masks.data,          Index(architecture.blocks), arrays.blocks.data};
  net.made = net.engine->make(a, run ? &settings : nullptr, Index(rows), net.threads);
  if (!net.made)
    return report.refuse(CHAINRULE_MEMORY, "not enough memory for a network of %lld parameters",
                         (long long)net.parameters);
  net.slots = net.engine->slots(net.made);
  return true;
}

// --- calling --------------------------------------------------------------------------------------------------------

// Operations below which one thread is fastest: of a call, and of an update (the workers are awake then). Above,
// training measures which number of threads is faster (train.h).
constexpr double least_parallel_call = 3e6, least_parallel_update = 3e5;

// A team of threads, acquired from the pool until the end of the scope.
class TeamLease {
 public:
  TeamLease(const Net &net, int64_t requested, double operations, double least = least_parallel_call) {
    const bool always = requested < 0;
    int wanted = requested ? at_most(always ? -requested : requested) : net.threads;
    if (!always && operations < least) wanted = 1;
    if (wanted > 1) wanted = acquire(wanted);
    team = {wanted, parallel, barrier, now, always};
  }
  ~TeamLease() {
    if (team.threads > 1) release_threads();
  }
  TeamLease(const TeamLease &) = delete;
  TeamLease &operator=(const TeamLease &) = delete;
  Team team;
};

int64_t theta_bytes(const Net &net) { return net.parameters * bytes_of(net.dtype); }

// An array of the network's type and of so many bytes.
bool check_array(Report &report, const Net &net, const char *what, const void *array, int64_t bytes, int64_t wanted) {
  return report.same("the size in bytes", bytes, wanted) && report.aligned(what, array, bytes_of(net.dtype));
}

// Slots, of which a rule may have none.
bool check_slots(Report &report, const Net &net, const void *slots, int64_t bytes) {
  return net.slots ? check_array(report, net, "slots", slots, bytes, net.slots * theta_bytes(net))
                   : report.same("the size in bytes", bytes, 0);
}

bool check_threads(Report &report, int64_t threads, int64_t most) {
  return report.within("threads", threads, -most, most);
}

// X without the rows of a sparse one.
bool check_inputs(Report &report, const Net &net, const chainrule_matrix &X) {
  if (!check_kind(report, "X", X.kind, false)) return false;
  return X.offsets ? check_sparse(report, X, net.n_1) : check_matrix(report, "X", X, 0, net.n_1);
}

// All rows of a sparse X.
bool check_sparse_rows(Report &report, const chainrule_matrix &X) {
  for (int64_t r = 0; X.offsets && r < X.rows; r++)
    if (!check_sparse_row(report, X, r)) return false;
  return true;
}

bool check_dense(Report &report, const chainrule_matrix &X) {
  return !X.offsets || report.refuse(CHAINRULE_ARGUMENT, "X is sparse, but this function takes all elements");
}

bool check_sparse_steps(Report &report, const chainrule_step_call &call) {
  for (int64_t i = 0; call.examples.X.offsets && i < call.rows; i++)
    if (!check_sparse_row(report, call.examples.X, call.order[i])) return false;
  return true;
}

bool check_examples(Report &report, const Net &net, const chainrule_examples &e) {
  const int64_t n = e.X.rows;
  if (!check_inputs(report, net, e.X)) return false;
  if (e.T.offsets || e.weight.offsets)
    return report.refuse(CHAINRULE_ARGUMENT, "T or weight is sparse, which only X can be");
  const int64_t columns = e.T.kind == CHAINRULE_INT32 ? net.blocks : net.n_L;
  if (!check_kind(report, "T", e.T.kind, true) || !check_matrix(report, "T", e.T, n, columns)) return false;
  if (!report.within("by_term", e.by_term, 0, 1)) return false;
  if (e.weight.kind == CHAINRULE_NONE) return report.same("by_term without weights", e.by_term, 0);
  return check_kind(report, "weight", e.weight.kind, false) &&
         check_matrix(report, "weight", e.weight, n, e.by_term ? net.n_L : 1);
}

// Multiplications of a forward pass over the rows of X.
double products(const Net &net, const chainrule_matrix &X) {
  const double rows = double(X.rows), dense = net.work * rows;
  return X.offsets ? dense - double(net.n_1) * net.n_2 * rows + double(X.entries) * net.n_2 : dense;
}

Examples as_examples(const chainrule_examples &e) {
  return {as_matrix(e.X), as_matrix(e.T), e.weight.kind == CHAINRULE_NONE ? Matrix{} : as_matrix(e.weight),
          e.by_term != 0};
}

bool check_predict(Report &report, const Net &net, const chainrule_predict_call &call) {
  if (!report.same("the size of the call's struct", call.size, sizeof call)) return false;
  if (!check_threads(report, call.threads, most_count) || !report.within("finite", call.finite, 0, 1)) return false;
  if (!check_inputs(report, net, call.X) || !check_sparse_rows(report, call.X)) return false;
  if (!report.within("the number of rows", call.X.rows, 1, most_count / net.n_L)) return false;
  const int64_t wanted = call.X.rows * net.n_L * bytes_of(net.dtype);
  if (!check_array(report, net, "out", call.out, call.out_bytes, wanted)) return false;
  return !call.finite || check_finite(report, "X", call.X, bytes_of(net.dtype));
}

// Whether the outputs of a prediction are finite, where the call asks for that.
bool check_outputs(Report &report, const Net &net, const chainrule_predict_call &call) {
  const int64_t bytes = bytes_of(net.dtype);
  chainrule_matrix outputs{};
  outputs.data = call.out, outputs.kind = net.dtype, outputs.rows = call.X.rows, outputs.columns = net.n_L;
  outputs.row_stride = net.n_L * bytes, outputs.column_stride = bytes;
  return !call.finite || check_finite(report, "A^L", outputs, bytes);
}

// For all functions of examples but steps.
bool check_call(Report &report, const Net &net, const chainrule_examples *e, int64_t threads) {
  return check_threads(report, threads, net.threads) && report.not_null("the examples", e) &&
         check_examples(report, net, *e);
}

// For the pure functions: a network without settings.
bool check_pure(Report &report, const Net &net, const chainrule_examples *e, int64_t threads) {
  if (net.batch) return report.refuse(CHAINRULE_ARGUMENT, "the network belongs to a run: make one without settings");
  return check_call(report, net, e, threads);
}

bool check_steps(Report &report, const Net &net, const chainrule_step_call &call) {
  if (!report.same("the size of the call's struct", call.size, sizeof call)) return false;
  if (!net.batch)
    return report.refuse(CHAINRULE_ARGUMENT, "the network was made without settings, so it cannot be trained");
  if (!check_array(report, net, "theta", call.theta, call.theta_bytes, theta_bytes(net))) return false;
  if (!report.aligned("order", call.order, 8) || !report.aligned("rates", call.rates, 8) ||
      !report.aligned("costs", call.costs, 8))
    return false;
  if (!report.within("the epoch", call.epoch, 0, most_count) ||
      !report.within("the first batch", call.first_batch, 0, most_count))
    return false;
  if (!report.number("seconds", call.seconds, 0, huge)) return false;
  return check_examples(report, net, call.examples) && check_order(report, call, net.batch, call.examples.X.rows) &&
         check_sparse_steps(report, call);
}

int64_t step(Net &net, const chainrule_step_call &call) {
  if (!call.updates) return 0;
  const Steps steps{
      as_examples(call.examples), call.order,   Index(call.rows), call.rates, Index(call.updates), Index(call.epoch),
      Index(call.first_batch),    call.seconds, call.costs};
  const TeamLease lease(net, net.requested_threads, 6 * net.work * double(net.batch), least_parallel_update);
  const Index made = net.engine->steps(net.made, call.theta, steps, lease.team);
  if (made > 0) net.step += made;
  return made;
}

}  // namespace

}  // namespace chainrule

// --- what is exported -----------------------------------------------------------------------------------------------

using chainrule::Net;
using chainrule::networks;
using chainrule::Report;
using chainrule::TeamLease;
using chainrule::Visit;

extern "C" {

int64_t chainrule_abi(void) { return CHAINRULE_ABI; }

const char *chainrule_instructions(char *text, int64_t capacity) {
  Report report{text, capacity};
  const chainrule::Core *core = chainrule::chosen_core(report);
  return core ? core->name : nullptr;
}

void chainrule_runnable(char *names, int64_t capacity) {
  if (names && capacity > 0) chainrule::runnable_cores(names, size_t(capacity));
}

const char *chainrule_half(char *text, int64_t capacity) {
  Report report{text, capacity};
  const chainrule::Core *core = chainrule::chosen_core(report);
  const chainrule::HalfKernels *kernels = core ? chainrule::find_half(report, *core) : nullptr;
  return kernels ? kernels->name : nullptr;
}

int64_t chainrule_threads(void) { return chainrule::at_most(0); }

int64_t chainrule_has(int64_t what, const char *name) {
  const chainrule::Core *core = chainrule::choose_core();
  if (!name || !core) return 0;
  switch (what) {
    case CHAINRULE_ACTIVATIONS: return core->activation(name) >= 0;
    case CHAINRULE_COSTS: return core->cost(name) >= 0;
    case CHAINRULE_RULES: return core->rule(name) >= 0;
    default: return 0;
  }
}

int32_t chainrule_make(const chainrule_architecture *architecture, const chainrule_settings *settings, int64_t rows,
                       uint64_t *network, char *text, int64_t capacity) {
  Report report{text, capacity};
  if (!report.not_null("the architecture", architecture) || !report.not_null("the network's handle", network))
    return report.code;
  Net net{};
  if (!make(report, *architecture, settings, rows, net)) return report.code;
  auto *entry = networks.claim();
  if (!entry) {
    net.engine->drop(net.made);
    report.refuse(CHAINRULE_MEMORY, "not enough memory for another network");
    return report.code;
  }
  entry->net = net;
  *network = entry->handle;
  networks.leave(entry, true);
  return CHAINRULE_OK;
}

int32_t chainrule_drop(uint64_t network, char *text, int64_t capacity) {
  Report report{text, capacity};
  if (auto *entry = chainrule::enter(report, network, true)) {
    entry->net.engine->drop(entry->net.made);
    networks.vacate(entry);
  }
  return report.code;
}

int32_t chainrule_set_theta(uint64_t network, const void *theta, int64_t bytes, char *text, int64_t capacity) {
  Report report{text, capacity};
  const Visit net(report, network, true);
  if (net && check_array(report, *net, "theta", theta, bytes, theta_bytes(*net)))
    net->engine->set_theta(net->made, theta);
  return report.code;
}

int32_t chainrule_steps(uint64_t network, chainrule_step_call *call, char *text, int64_t capacity) {
  Report report{text, capacity};
  if (!report.not_null("the call", call)) return report.code;
  const Visit net(report, network, true);
  if (!net || !check_steps(report, *net, *call)) return report.code;
  const int64_t made = chainrule::step(*net, *call);
  if (made < 0)
    report.refuse(CHAINRULE_MEMORY, "not enough memory for the columns of a batch");
  else
    call->made = made;
  return report.code;
}

int32_t chainrule_get_slots(uint64_t network, void *slots, int64_t bytes, int64_t *step, char *text, int64_t capacity) {
  Report report{text, capacity};
  const Visit net(report, network, true);
  if (!net || !report.not_null("step", step) || !check_slots(report, *net, slots, bytes)) return report.code;
  net->engine->get_slots(net->made, slots);
  *step = net->step;
  return report.code;
}

int32_t chainrule_set_slots(uint64_t network, const void *slots, int64_t bytes, int64_t step, char *text,
                            int64_t capacity) {
  Report report{text, capacity};
  const Visit net(report, network, true);
  if (!net || !check_slots(report, *net, slots, bytes) || !report.within("the step", step, 0, chainrule::most_count))
    return report.code;
  net->engine->set_slots(net->made, slots, chainrule::Index(step));
  net->step = step;
  return report.code;
}

int32_t chainrule_predict(uint64_t network, const chainrule_predict_call *call, char *text, int64_t capacity) {
  Report report{text, capacity};
  if (!report.not_null("the call", call)) return report.code;
  const Visit net(report, network, false);
  if (!net || !check_predict(report, *net, *call)) return report.code;
  const TeamLease lease(*net, call->threads, 2 * products(*net, call->X));
  const bool done = net->engine->predict(net->made, chainrule::as_matrix(call->X), call->out, lease.team);
  if (!done)
    report.refuse(CHAINRULE_MEMORY, "not enough memory to predict");
  else
    check_outputs(report, *net, *call);
  return report.code;
}

int32_t chainrule_cost(uint64_t network, const chainrule_examples *e, int64_t threads, double *cost, char *text,
                       int64_t capacity) {
  Report report{text, capacity};
  const Visit net(report, network, true);
  if (!net || !check_pure(report, *net, e, threads) || !report.not_null("cost", cost)) return report.code;
  if (!chainrule::check_sparse_rows(report, e->X)) return report.code;
  const TeamLease lease(*net, threads, 2 * net->work * double(e->X.rows));
  *cost = net->engine->cost(net->made, chainrule::as_examples(*e), lease.team);
  return report.code;
}

int32_t chainrule_gradient(uint64_t network, const chainrule_examples *e, double divisor, double alpha, double l1,
                           int64_t threads, void *out, int64_t bytes, char *text, int64_t capacity) {
  Report report{text, capacity};
  const Visit net(report, network, true);
  if (!net || !check_pure(report, *net, e, threads) || !check_array(report, *net, "out", out, bytes, theta_bytes(*net)))
    return report.code;
  if (!report.number("the divisor", divisor, 4.9e-324, chainrule::greatest) ||
      !report.number("alpha", alpha, 0, chainrule::greatest) || !report.number("l1", l1, 0, chainrule::greatest))
    return report.code;
  if (!chainrule::check_sparse_rows(report, e->X)) return report.code;
  const TeamLease lease(*net, threads, 6 * net->work * double(e->X.rows));
  if (!net->engine->gradient(net->made, chainrule::as_examples(*e), divisor, alpha, l1, out, lease.team))
    report.refuse(CHAINRULE_MEMORY, "not enough memory for the columns of a batch");
  return report.code;
}

int32_t chainrule_second_moments(uint64_t network, const chainrule_examples *e, int64_t threads, void *out,
                                 int64_t bytes, char *text, int64_t capacity) {
  Report report{text, capacity};
  const Visit net(report, network, true);
  if (!net || !check_pure(report, *net, e, threads) || !check_array(report, *net, "out", out, bytes, theta_bytes(*net)))
    return report.code;
  if (!chainrule::check_dense(report, e->X)) return report.code;
  const TeamLease lease(*net, threads, 6 * net->work * double(e->X.rows));
  net->engine->second_moments(net->made, chainrule::as_examples(*e), out, lease.team);
  return report.code;
}

int32_t chainrule_norms(uint64_t network, const chainrule_examples *e, int64_t threads, double *norms, int64_t rows,
                        char *text, int64_t capacity) {
  Report report{text, capacity};
  const Visit net(report, network, true);
  if (!net || !check_pure(report, *net, e, threads) || !chainrule::check_dense(report, e->X)) return report.code;
  if (!report.same("the number of rows", rows, e->X.rows) || !report.aligned("norms", norms, 8)) return report.code;
  const TeamLease lease(*net, threads, 4 * net->work * double(e->X.rows));
  net->engine->norms(net->made, chainrule::as_examples(*e), norms, lease.team);
  return report.code;
}

int32_t chainrule_ledger(uint64_t network, const chainrule_examples *e, int64_t epoch, int64_t batch, int64_t threads,
                         void *out, int64_t bytes, double *costs, int64_t rows, char *text, int64_t capacity) {
  Report report{text, capacity};
  const Visit net(report, network, true);
  if (!net || !check_call(report, *net, e, threads) || !chainrule::check_dense(report, e->X)) return report.code;
  if (!report.within("the epoch", epoch, 0, chainrule::most_count) ||
      !report.within("the batch", batch, 0, chainrule::most_count))
    return report.code;
  if (e->weight.kind != CHAINRULE_NONE && !e->by_term) {
    report.refuse(CHAINRULE_ARGUMENT, "a ledger has no weights of rows: leave them out");
    return report.code;
  }
  if (!report.within("the number of rows", e->X.rows, 1, chainrule::most_count / (32 * net->neurons)) ||
      !report.same("the number of costs", rows, e->X.rows) || !report.aligned("costs", costs, 8))
    return report.code;
  const int64_t wanted = (net->drops ? 4 : 3) * rows * net->neurons * chainrule::bytes_of(net->dtype);
  if (!check_array(report, *net, "out", out, bytes, wanted)) return report.code;
  const TeamLease lease(*net, threads, 6 * net->work * double(rows));
  net->engine->ledger(net->made, chainrule::as_examples(*e), chainrule::Index(epoch), chainrule::Index(batch), out,
                      costs, lease.team);
  return report.code;
}

}  // extern "C"
