// --------------------------------------------------------------------------------------- layers: A = sigma(A W + b)

/** c[0] x^n + c[1] x^(n-1) + ... + c[n] */
function polynomial(c, x) {
  let sum = 0;
  for (let k = 0; k < c.length; k++) sum = sum * x + c[k];
  return sum;
}

// The rational functions of W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of
// Computation 23 (1969), with the coefficients of his routine CALERF (netlib, specfun), highest powers first.
const NEAR = [
  [1.85777706184603153e-1, 3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3],
  [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
];
const MIDDLE = [
  [2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
    8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3],
  [1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
    3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3],
];
const FAR = [
  [1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
    1.60837851487422766e-2, 6.58749161529837803e-4],
  [1, 2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3],
];

const ratio = ([top, bottom], x) => polynomial(top, x) / polynomial(bottom, x);

/** The complementary error function, 1 - erf(x). */
function erfc(x) {
  const y = Math.abs(x);
  if (y <= 0.46875) return 1 - x * ratio(NEAR, y * y);
  const inverse = 1 / (y * y);
  const rest = gaussian(y) * (y <= 4 ? ratio(MIDDLE, y) : (Math.sqrt(1 / Math.PI) - inverse * ratio(FAR, inverse)) / y);
  return x > 0 ? rest : 2 - rest;
}

/** exp(-y^2) with y^2 in two parts, so that the rounding of y^2 does not grow. */
function gaussian(y) {
  const head = Math.trunc(y * 16) / 16;
  return y > 27 ? 0 : Math.exp(-head * head) * Math.exp(-(y - head) * (y + head));
}

function sigmoid(z) {
  const e = Math.exp(-Math.abs(z));
  return (z > 0 ? 1 : e) / (1 + e);
}

function mish(z) {
  const e = Math.exp(-Math.abs(z));
  const [top, rest] = z > 0 ? [1 + 2 * e, 2 * e * e] : [e * (e + 2), 2];
  return z * (top / (top + rest));
}

/** e^z, infinite where it is in the type of the network. */
function exp(z) {
  const power = Math.exp(z);
  return Numbers === Float32Array && Math.fround(power) === Infinity ? Infinity : power;
}

const ACTIVATIONS = {
  identity: () => (z) => z,
  sigmoid: () => sigmoid,
  tanh: () => Math.tanh,
  relu: () => (z) => (z > 0 ? z : 0),
  relu6: () => (z) => (z > 0 ? Math.min(z, 6) : 0),
  leaky_relu: ({ slope }) => (z) => (z > 0 ? z : slope * z),
  prelu: ({ slope }) => (z) => (z > 0 ? z : slope * z),
  elu: ({ alpha }) => (z) => (z > 0 ? z : alpha * Math.expm1(z)),
  selu: ({ alpha, scale }) => (z) => scale * (z > 0 ? z : alpha * Math.expm1(z)),
  gelu: () => (z) => 0.5 * z * erfc(-Math.SQRT1_2 * z),
  silu: () => (z) => z * sigmoid(z),
  mish: () => mish,
  softplus: () => (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  softsign: () => (z) => z / (1 + Math.abs(z)),
  hardtanh: () => (z) => Math.min(Math.max(z, -1), 1),
  sine: ({ omega }) => (z) => Math.sin(omega * z),
  exp: () => exp,
};

/** Softmax of a range of Z, in its place. */
function softmax(Z) {
  const greatest = Z.reduce((most, z) => Math.max(most, z), -Infinity);
  let total = 0;
  for (let j = 0; j < Z.length; j++) total += Z[j] = Math.exp(Z[j] - greatest);
  for (let j = 0; j < Z.length; j++) Z[j] /= total;
}

/** An elementwise activation of a range of Z, in its place. */
function elementwise(sigma) {
  return (Z) => {
    for (let j = 0; j < Z.length; j++) Z[j] = sigma(Z[j]);
  };
}

/** Numbers from the base64 of their bytes, the lowest first. */
function decoded(text) {
  const bytes = atob(text);
  const view = new DataView(new ArrayBuffer(bytes.length));
  for (let k = 0; k < bytes.length; k++) view.setUint8(k, bytes.charCodeAt(k));
  const size = Numbers.BYTES_PER_ELEMENT;
  const at = size === 4 ? (k) => view.getFloat32(k, true) : (k) => view.getFloat64(k, true);
  return Numbers.from({ length: bytes.length / size }, (_, k) => at(k * size));
}

/** A function from the A of a layer to that of the next one. */
function layerOf({ b, blocks, parts }) {
  const bias = decoded(b);
  const matrices = blocks.map(({ inputs: [first, last], neurons: [start, stop], W }) => {
    return { first, last, start, width: stop - start, W: decoded(W) };
  });
  const activations = parts.map((part) => {
    const { name, start, stop } = part;
    return { start, stop, apply: name === "softmax" ? softmax : elementwise(ACTIVATIONS[name](part)) };
  });

  return (a) => {
    const Z = Float64Array.from(bias);
    for (const matrix of matrices) add(a, matrix, Z);
    for (const { start, stop, apply } of activations) apply(Z.subarray(start, stop));
    return Z;
  };
}

/** Add a W to Z, for a block of W. */
function add(a, { first, last, start, width, W }, Z) {
  for (let i = first, at = 0; i < last; i++, at += width) {
    const x = a[i];
    if (x === 0) continue;
    for (let j = 0; j < width; j++) Z[start + j] += x * W[at + j];
  }
}

const LAYERS = MODEL.layers.map(layerOf);

// --------------------------------------------------------------------------------------- answers: what A means

/** The answer for each target, with pairs of classes and probabilities. */
function answersOf(row) {
  const A = LAYERS.reduce((a, forward) => forward(a), encoded(row));
  return MODEL.outputs.map((output) => {
    const own = A.subarray(output.start, output.stop);
    if (output.is === "labels") return labelsOf(output, own);
    return output.is === "numbers" ? numberOf(output, own[0]) : classOf(output, own);
  });
}

function numberOf({ name, scaled, mean, scale, logarithm, greatest }, a) {
  const y = scaled ? mean + scale * a : a;
  return { target: name, answer: logarithm ? Math.exp(Math.min(y, greatest)) : y, chances: null };
}

/** The labels above 1/2 as one text, with pairs of labels and probabilities. */
function labelsOf({ name, texts, separator }, A) {
  const answer = texts.filter((_, k) => A[k] > 0.5).join(separator);
  return { target: name, answer, chances: texts.map((text, k) => [text, A[k]]) };
}

function classOf({ name, classes, yes_or_no: yesOrNo, divided, probable, ordered, threshold, decided }, A) {
  const chances = ordered ? between(A) : yesOrNo ? [1 - A[0], A[0]] : divided ? shares(A) : A;
  const first = ordered ? stepsAbove(A) : yesOrNo ? Number(A[0] > 0.5) : greatest(A);
  const best = threshold === undefined ? first : chances[decided] >= threshold ? decided : 1 - decided;
  const pairs = classes.map((each, k) => [each, chances[k]]);
  return { target: name, answer: classes[best], chances: probable ? pairs : null };
}

/** The place of the greatest, the first of equal ones. */
function greatest(A) {
  return A.reduce((best, a, k) => (a > A[best] ? k : best), 0);
}

/** How many numbers from the first on are above 1/2. */
function stepsAbove(A) {
  const first = A.findIndex((a) => !(a > 0.5));
  return first < 0 ? A.length : first;
}

/** The probabilities of classes in an order, from those of each class but the lowest or a higher one. */
function between(A) {
  const least = Array.from(A, (_, k) => Math.min(...A.subarray(0, k + 1)));
  return [1, ...least].map((above, k) => above - (least[k] ?? 0));
}

/** The numbers divided by their sum; equal shares where all are 0. */
function shares(A) {
  const total = A.reduce((sum, a) => sum + a, 0);
  return Array.from(A, (a) => (total > 0 ? a / total : 1 / A.length));
}
