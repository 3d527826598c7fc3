typedef int8_t weight; /* in units of the scale of its neuron */

static real value_of(weight w) { return (real)w; }
