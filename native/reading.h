// Reads what a network is made of: checks the structs of the ABI and copies them into those of types.h.
//
// A function returns false after it has written its error; sizes are checked before anything is allocated from them.
#pragma once

#include "checks.h"
#include "dispatch.h"
#include "half_kernels.h"

namespace chainrule {

// Memory until the end of the scope.
template <class T> struct Buffer {
  T *data;
  explicit Buffer(int64_t count) : data(static_cast<T *>(allocate(Index(count) * Index(sizeof(T))))) {}
  ~Buffer() { release(data); }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  T &operator[](int64_t i) const { return data[i]; }
};

// The arrays of an Architecture.
struct ArchitectureArrays {
  Buffer<Index> sizes;
  Buffer<Activation> hidden;
  Buffer<const unsigned char *> masks;
  Buffer<Block> blocks;

  explicit ArchitectureArrays(const chainrule_architecture &a)
      : sizes(a.layers + 1), hidden(a.layers), masks(a.layers), blocks(a.blocks) {}
  bool complete() const { return sizes.data && hidden.data && masks.data && blocks.data; }
};

inline bool check_sizes(Report &report, const chainrule_architecture &a) {
  if (!report.same("the size of the architecture's struct", a.size, sizeof a)) return false;
  if (!report.within("the dtype", a.dtype, CHAINRULE_FLOAT32, CHAINRULE_FLOAT64)) return false;
  if (!report.within("the number of layers of weights", a.layers, 1, most_layers) || !report.not_null("sizes", a.sizes))
    return false;
  for (int64_t l = 0; l <= a.layers; l++)
    if (!report.within("the size of a layer", a.sizes[l], 1, most_size)) return false;
  if (a.layers > 1 && !report.not_null("hidden", a.hidden)) return false;
  return report.within("the number of blocks", a.blocks, 1, a.sizes[a.layers]) && report.not_null("block", a.block);
}

inline bool find_activation(Report &report, const Core &core, const chainrule_entry &entry, Activation &activation) {
  activation.parameter = entry.parameter;
  return find(report, "activation", entry.name, core.activation, activation.kind) &&
         report.number("a parameter", entry.parameter, -greatest, greatest);
}

inline bool find_blocks(Report &report, const Core &core, const chainrule_architecture &a,
                        const Buffer<Block> &blocks) {
  int64_t at = 0;
  for (int64_t b = 0; b < a.blocks; b++) {
    const chainrule_block &from = a.block[b];
    Block &to = blocks[b];
    if (!report.same("the first neuron of a block", from.start, at)) return false;
    if (!report.within("the end of a block", from.stop, at + 1, a.sizes[a.layers])) return false;
    if (!find_activation(report, core, from.activation, to.activation)) return false;
    if (!find(report, "cost", from.cost.name, core.cost, to.cost)) return false;
    if (!report.number("a parameter", from.cost.parameter, -greatest, greatest)) return false;
    if (!core.goes_together(to))
      return report.refuse(CHAINRULE_LACKS, "the core has no cost '%s' of an output of '%s'", from.cost.name,
                           from.activation.name);
    to.cost_parameter = from.cost.parameter;
    to.start = int(from.start), to.stop = int(from.stop);
    at = from.stop;
  }
  return report.same("the number of neurons in blocks", at, a.sizes[a.layers]);
}

inline bool read_architecture(Report &report, const Core &core, const chainrule_architecture &a,
                              ArchitectureArrays &to) {
  if (!to.complete()) return report.refuse(CHAINRULE_MEMORY, "not enough memory for an architecture");
  for (int64_t l = 0; l <= a.layers; l++) to.sizes[l] = Index(a.sizes[l]);
  for (int64_t k = 0; a.masks && k < a.layers; k++) {
    to.masks[k] = a.masks[k].data;
    if (to.masks[k] && !report.same("the bytes of a mask", a.masks[k].bytes, to.sizes[k] * to.sizes[k + 1]))
      return false;
  }
  for (int64_t k = 0; k < a.layers - 1; k++)
    if (!find_activation(report, core, a.hidden[k], to.hidden[k])) return false;
  return find_blocks(report, core, a, to.blocks);
}

// The kernels of half precision for a core; null after an error.
inline const HalfKernels *find_half(Report &report, const Core &core) {
  char names[64];
  runnable_half(names, sizeof names);
  const bool suits = core.vector_bytes == half_rows * int(sizeof(float));
  const HalfKernels *kernels = suits ? choose_half() : nullptr;
  if (kernels) return kernels;
  if (!names[0])
    report.refuse(CHAINRULE_LACKS, "bf16 needs AMX or AVX512_BF16, which this machine or build does not have (%s)",
                  core.name);
  else if (!suits)
    report.refuse(CHAINRULE_LACKS, "bf16 needs the instruction set v4, but the core uses %s", core.name);
  else
    report.refuse(CHAINRULE_LACKS, "CHAINRULE_HALF is not one of %s", names);
  return nullptr;
}

inline bool read_precision(Report &report, const Core &core, const chainrule_architecture &a,
                           const chainrule_settings &from, Settings &s) {
  if (!report.within("precision", from.precision, CHAINRULE_WHOLE, CHAINRULE_BF16)) return false;
  if (from.precision == CHAINRULE_WHOLE) return true;
  if (a.dtype != CHAINRULE_FLOAT32)
    return report.refuse(CHAINRULE_LACKS, "precision bf16 is for float32 networks, but this one has float64");
  s.half = find_half(report, core);
  return s.half;
}

inline bool read_settings(Report &report, const Core &core, const chainrule_architecture &a,
                          const chainrule_settings &from, Settings &s) {
  if (!report.same("the size of the settings' struct", from.size, sizeof from)) return false;
  if (!find(report, "rule", from.rule, core.rule, s.rule.kind)) return false;
  for (int i = 0; i < 6; i++) {
    if (!report.number("a parameter of the rule", from.parameter[i], -greatest, greatest)) return false;
    s.rule.parameter[i] = from.parameter[i];
  }
  for (int64_t l = 0; from.dropout && l < a.layers - 1; l++)
    if (!report.number("a probability of dropout", from.dropout[l], 0, 65535.0 / 65536)) return false;
  for (int64_t k = 0; from.rates && k < a.layers; k++)
    if (!report.number("a rate of a layer", from.rates[k], 0, greatest)) return false;
  s.rates = from.rates;
  s.batch = Index(from.batch), s.divisor = from.divisor, s.alpha = from.alpha, s.l1 = from.l1;
  s.dropout = from.dropout, s.seed = from.seed;
  s.clip_norm = from.clip_norm, s.clip_value = from.clip_value, s.clip_example = from.clip_example;
  const double least = 4.9e-324;
  if (!read_precision(report, core, a, from, s)) return false;
  return report.within("the batch", from.batch, 1, most_count) &&
         report.within("threads", from.threads, -most_count, most_count) &&
         report.number("the divisor", s.divisor, least, greatest) && report.number("alpha", s.alpha, 0, greatest) &&
         report.number("l1", s.l1, 0, greatest) && report.number("the bound of the norm", s.clip_norm, least, huge) &&
         report.number("the bound of a value", s.clip_value, least, huge) &&
         report.number("the bound of an example", s.clip_example, least, huge);
}

}  // namespace chainrule
