// What a network is, as the core sees it: plain numbers that the API fills in once and every pass reads.
#pragma once

#include <cstdint>

namespace chainrule {

// An activation by its place in the list of activations.h, and its parameter (slope, alpha), if it has one.
struct Activation {
  int kind;
  double parameter;
};

// Neurons start..stop-1 of the output layer. `pair` says how cost and delta come from Z, or 0 where they do not (costs.h).
struct Block {
  Activation activation;
  int cost;
  double cost_parameter;  // delta of huber, q of quantile
  int start, stop;
};

}  // namespace chainrule
