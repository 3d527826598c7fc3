typedef real weight;

static real value_of(weight w) { return w; }
