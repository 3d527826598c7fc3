// The whole core for one instruction set: compiled once for each, with CHAINRULE_ISA naming it. Only the table at the
// end leaves this object; everything else is in anonymous namespaces.

#include "../predict.h"
#include "../pure.h"

namespace {

template <class T> constexpr chainrule::Engine engine_of() {
  return {make<T>,    drop<T>, set_theta<T>, steps<T>,          slots<T>, get_slots<T>, set_slots<T>,
          predict<T>, cost<T>, gradient<T>,  second_moments<T>, norms<T>, ledger<T>};
}

}  // namespace

#define CHAINRULE_JOIN(a, b) a##b
#define CHAINRULE_NAME(isa) CHAINRULE_JOIN(chainrule_core_, isa)
#define CHAINRULE_QUOTE(a) #a
#define CHAINRULE_TEXT(a) CHAINRULE_QUOTE(a)

extern "C" const chainrule::Core *CHAINRULE_NAME(CHAINRULE_ISA)() {
  static constexpr chainrule::Core core{CHAINRULE_TEXT(CHAINRULE_ISA),
                                        vector_bytes,
                                        engine_of<float>(),
                                        engine_of<double>(),
                                        activation_kind,
                                        cost_kind,
                                        rule_kind,
                                        goes_together};
  return &core;
}
