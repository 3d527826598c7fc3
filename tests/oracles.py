"""Ways to know an answer without the code under test, and the problems to ask for.

    exact_*      activations and costs in decimal arithmetic of 60 digits, from their formulas, at any z
    objective    C of a network by its forward pass alone, for many thetas at once, real or complex
    by_*         the gradient of C: complex step, central differences, JAX's own differentiation
    covering     few rows in which every two values of every two factors meet

`PYTHONPATH=src python tests/oracles.py` prints the worst relative error of backpropagation over the full product of
all factors, against each oracle (a quarter of an hour on two cores); `... oracles.py covering` that over CI's sets.
"""

import dataclasses
import decimal
import functools
import itertools
import math
import multiprocessing
import sys
import time
import zlib
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture
from chainrule.costs import COSTS
from chainrule.engines.reference import batch_gradient
from chainrule.equations import forward, penalty_gradient
from chainrule.network import Network

# ---------------------------------------------------------------------------------------------- comparing


def variants(registry):
    """Every entry of a registry as it comes, and those with parameters once more with other numbers."""
    for entry in registry.classes():
        yield entry()
        fields = dataclasses.fields(entry)
        if fields:
            yield entry(**{f.name: 1.7 * f.default for f in fields})


def deviation(found, exact):
    """The largest |found - exact| / max(1, |exact|); equal infinities agree, and NaN is never small."""
    found, exact = np.asarray(found, dtype=np.float64), np.asarray(exact, dtype=np.float64)
    assert found.shape == exact.shape
    with np.errstate(invalid="ignore"):
        off = np.abs(found - exact) / np.maximum(1, np.abs(exact))
    return float(np.max(np.where(found == exact, 0, off)))


def worst_relative(architecture, found, expected, floor=0.0):
    """The worst layer's largest |difference| / largest |element| (or `floor`); zeros must then be met exactly."""
    assert found.shape == expected.shape
    errors = []
    for W, b in architecture.slices:
        layer = slice(W.start, b.stop)
        off, size = np.max(np.abs(found[layer] - expected[layer])), max(np.max(np.abs(expected[layer])), floor)
        errors.append(0.0 if off == 0 else off / size if size else math.inf)
    return float(np.max(errors))


# ------------------------------------------------------------------------------- exact values, in decimals

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
DIGITS = 60


def _in_decimals(function):
    @functools.wraps(function)
    def with_digits(*args):
        with decimal.localcontext() as context:
            context.prec, context.Emax, context.Emin = DIGITS, decimal.MAX_EMAX, decimal.MIN_EMIN
            return function(*args)

    return with_digits


def _sigmoid(z):
    return 1 / (1 + (-z).exp())


def _normal(z):
    """The distribution and the density of the normal at z, from a series whose terms are all positive."""
    if abs(z) > 20:  # the distribution is within 1e-88 of 0 or 1
        return Decimal(int(z > 0)), Decimal(0)
    density = (-z * z / 2).exp() / (2 * PI).sqrt()
    term, total, k = z, z, 1
    while term and abs(term) > abs(total) * Decimal(10) ** -DIGITS:
        k += 2
        term = term * z * z / k
        total += term
    return Decimal("0.5") + density * total, density


def _softplus(z):
    e = z.exp()
    return (e - e * e / 2 if z < -DIGITS else (1 + e).ln()), _sigmoid(z)


def _gelu(z):
    distribution, density = _normal(z)
    return z * distribution, distribution + z * density


def _elu(z, alpha):
    return (z, Decimal(1)) if z > 0 else (alpha * (z.exp() - 1), alpha * z.exp())


def _selu(z):
    a, slope = _elu(z, Decimal("1.6732632423543772848170429916717"))
    return Decimal("1.0507009873554804934193349852946") * a, Decimal("1.0507009873554804934193349852946") * slope


EXACT_ACTIVATIONS = {
    "identity": lambda z, s: (z, Decimal(1)),
    "sigmoid": lambda z, s: (_sigmoid(z), _sigmoid(z) * _sigmoid(-z)),
    "tanh": lambda z, s: (2 * _sigmoid(2 * z) - 1, 4 * _sigmoid(2 * z) * _sigmoid(-2 * z)),
    "relu": lambda z, s: (max(z, Decimal(0)), Decimal(int(z > 0))),
    "leaky_relu": lambda z, s: (z, Decimal(1)) if z > 0 else (Decimal(s.slope) * z, Decimal(s.slope)),
    "elu": lambda z, s: (z, Decimal(1)) if z > 0 else _elu(z, Decimal(s.alpha)),
    "selu": lambda z, s: _selu(z),
    "gelu": lambda z, s: _gelu(z),
    "silu": lambda z, s: (z * _sigmoid(z), _sigmoid(z) * (1 + z * _sigmoid(-z))),
    "softplus": lambda z, s: _softplus(z),
    "exp": lambda z, s: (z.exp(), z.exp()),
}


@_in_decimals
def exact_activation(sigma, Z):
    """sigma(z) and sigma'(z) for every z of an array, rounded to float64 once."""
    pairs = [EXACT_ACTIVATIONS[sigma.name](Decimal(float(z)), sigma) for z in np.ravel(Z)]
    return tuple(np.array([float(x) for x in column]).reshape(np.shape(Z)) for column in zip(*pairs, strict=True))


def _times_log(t, a):
    return t * a.ln() if t else t


def _over(t, a):
    return t / a if t else t


EXACT_COSTS = {  # from a, 1 - a and t: the term, and its derivative for a
    "quadratic": lambda a, no, t: ((a - t) ** 2 / 2, a - t),
    "binary_cross_entropy": lambda a, no, t: (
        -_times_log(t, a) - _times_log(1 - t, no),
        _over(1 - t, no) - _over(t, a),
    ),
    "cross_entropy": lambda a, no, t: (-_times_log(t, a), -_over(t, a)),
    "poisson": lambda a, no, t: (a - _times_log(t, a), 1 - _over(t, a)),
}


def _exact_row(sigma, z):
    """The row's a, 1 - a, and its pullback."""
    if sigma.name != "softmax":
        a, slope = zip(*(EXACT_ACTIVATIONS[sigma.name](x, sigma) for x in z), strict=True)
        no = [_sigmoid(-x) if sigma.name == "sigmoid" else 1 - y for x, y in zip(z, a, strict=True)]
        return a, no, lambda g: [g_j * s_j for g_j, s_j in zip(g, slope, strict=True)]
    e = [(x - max(z)).exp() for x in z]
    rows = range(len(z))
    a = [x / sum(e) for x in e]
    no = [sum(e[j] for j in rows if j != i) / sum(e) for i in rows]
    return a, no, lambda g: [a[i] * (g[i] * no[i] - sum(g[j] * a[j] for j in rows if j != i)) for i in rows]


@_in_decimals
def exact_pair(sigma, cost, Z, T):
    """The terms of C_x (summed over a row unless the cost is elementwise) and dC_x/dZ, each rounded once."""
    terms, deltas = [], []
    for z_row, t_row in zip(Z, T, strict=True):
        t = [Decimal(float(x)) for x in t_row]
        a, no, pullback = _exact_row(sigma, [Decimal(float(x)) for x in z_row])
        c, g = zip(*map(EXACT_COSTS[cost.name], a, no, t), strict=True)
        terms.append([float(x) for x in c] if cost.elementwise else [float(sum(c))])
        deltas.append([float(x) for x in pullback(g)])
    return np.array(terms), np.array(deltas)


# --------------------------------------------------------------------------------- problems, as rows of factors

HIDDEN = list(variants(ACTIVATIONS))
COST_ENTRIES = list(variants(COSTS))
OUTPUTS = [(a, c) for a in HIDDEN for c in COST_ENTRIES if a.range.inside(c.outputs)]
SHAPES = {  # sizes but the last, the output's width, rows
    "one": ((1,), 1, 1),
    "no hidden": ((3,), 3, 7),
    "primes": ((5, 7), 3, 11),
    "one row": ((2, 3), 2, 1),
    "width 1": ((2, 1, 1), 1, 4),
    "three hidden": ((3, 4, 3, 2), 2, 5),
}
FACTORS = {
    "hidden": HIDDEN,
    "output": OUTPUTS,
    "shape": list(SHAPES),
    "weights": ["unweighted", "(n,)", "(n, n_L)"],
    "masks": ["unmasked", "masked"],
    "blocks": ["one block", "block after", "block before"],
    "penalty": ["free", "alpha", "l1", "alpha and l1"],
    "dropout": ["all kept", "dropout"],
}


class Problem(NamedTuple):
    """One row of the factors."""

    hidden: Any
    output: Any
    shape: str
    weights: str
    masks: str
    blocks: str
    penalty: str
    dropout: str

    def __str__(self):
        sigma, cost = self.output
        return ", ".join([str(self.hidden), f"{sigma}/{cost}", *self[2:]])


class Case(NamedTuple):
    """The problem in numbers. `weight` is as given, not scaled; `keep` what dropout multiplies each layer with."""

    architecture: Architecture
    theta: np.ndarray
    X: np.ndarray
    T: np.ndarray
    weight: np.ndarray | None
    alpha: float
    l1: float
    keep: list[np.ndarray | None]

    @property
    def total(self):
        """S, the sum of the examples' weights."""
        weight = np.ones(len(self.X)) if self.weight is None else self.weight
        return (weight if weight.ndim == 1 else weight.mean(axis=1)).sum()


def covering(factors):
    """Rows in which every two values of every two factors meet: as many as the two largest factors ask for."""
    by_size = sorted(range(len(factors)), key=lambda f: -len(factors[f]))
    first, second, *others = [range(len(factors[f])) for f in by_size]
    rows = [list(row) for row in itertools.product(first, second)]
    rng = np.random.default_rng(0)
    for values in others:
        missing = {(g, row[g], v) for row in rows for g in range(len(row)) for v in values}
        for row in rows:
            gain = {v: sum((g, row[g], v) in missing for g in range(len(row))) for v in values}
            best = max(rng.permutation(values).tolist(), key=gain.__getitem__)
            missing -= {(g, row[g], best) for g in range(len(row))}
            row.append(best)
        for g, u, v in sorted(missing):
            rows.append([u if f == g else 0 for f in range(len(rows[0]) - 1)] + [v])
    return [tuple(factors[f][row[by_size.index(f)]] for f in range(len(factors))) for row in rows]


@functools.cache
def covering_problems():
    """The covering set of CI: every hidden activation with every output, and every other two values somewhere."""
    return [Problem(*row) for row in covering(list(FACTORS.values()))]


@functools.cache
def covering_problems_for_jax():
    """The same in few shapes, for each of which JAX compiles a program in seconds."""
    few = FACTORS | {"shape": ["one", "three hidden"], "blocks": ["one block", "block after"]}
    return [Problem(*row) for row in covering(list(few.values()))]


def full_problems():
    """The full product; where there is no hidden layer, hidden activation and dropout make no difference."""
    for row in itertools.product(*FACTORS.values()):
        problem = Problem(*row)
        flat = len(SHAPES[problem.shape][0]) == 1
        if not flat or (problem.hidden == HIDDEN[0] and problem.dropout == "all kept"):
            yield problem


def build(problem):
    """The numbers of a problem, always the same: drawn until they are fit for every oracle."""
    seed = zlib.crc32(str(problem).encode())
    cases = (_draw(problem, np.random.default_rng([seed, attempt])) for attempt in itertools.count())
    return next(case for case in cases if _fit(case))


def _draw(problem, rng):
    front, width, m = SHAPES[problem.shape]
    blocks = {
        "one block": [(*problem.output, width)],
        "block after": [(*problem.output, width), ("softmax", "cross_entropy", 3)],
        "block before": [("sigmoid", "binary_cross_entropy", 2), (*problem.output, width)],
    }[problem.blocks]
    sizes = (*front, sum(n for *_, n in blocks))
    masks = [rng.random(shape) < 0.7 if problem.masks == "masked" else None for shape in itertools.pairwise(sizes)]
    output, costs = [(sigma, n) for sigma, _, n in blocks], [cost for _, cost, _ in blocks]
    architecture = Architecture.of(sizes, problem.hidden, output, costs, masks)
    return Case(
        architecture,
        _theta(rng, architecture),
        rng.normal(size=(m, sizes[0])),
        np.concatenate([_targets(rng, block, m) for block in architecture.blocks], axis=1),
        _weight(rng, architecture, m, problem.weights),
        0.7 if "alpha" in problem.penalty else 0.0,
        0.3 if "l1" in problem.penalty else 0.0,
        [(rng.random((m, n)) < 0.6) / 0.6 if problem.dropout == "dropout" else None for n in sizes[1:-1]] + [None],
    )


def _theta(rng, architecture):
    """Weights and biases away from 0, so that |w| is smooth, and small enough for e^e^e^z; masked weights are 0."""
    theta = rng.uniform(0.1, 0.8, architecture.parameter_count) * rng.choice([-1, 1], architecture.parameter_count)
    for W, mask in zip(architecture.views(theta)[0], architecture.masks, strict=True):
        W[...] *= (1 if mask is None else mask) / math.sqrt(len(W))
    return theta


def _targets(rng, block, m):
    allowed, shape = block.cost.targets, (m, block.width)
    if block.cost.distribution:
        T = rng.dirichlet(np.ones(block.width), m)
        T[0] = np.arange(block.width) == block.width - 1
        return T
    if math.isfinite(allowed.high):
        if block.activation.name == "softmax" and block.width == 1:
            return np.ones(shape)  # a is 1: for any other t the cost is infinite
        T = rng.random(shape)
        return np.where(rng.random(shape) < 0.5, T, T.round())
    return rng.poisson(1.5, shape).astype(float) if math.isfinite(allowed.low) else rng.normal(size=shape)


def _weight(rng, architecture, m, kind):
    if kind == "unweighted":
        return None
    weight = rng.uniform(0.2, 3, (m, architecture.sizes[-1]))
    for block in architecture.blocks:
        if block.separable and m > 1:
            weight[0, block.start] = 0
        if not block.separable:
            weight[:, block.columns] = weight[:, [block.start]]
    weight[1:2] = 0
    return weight if kind == "(n, n_L)" else weight[:, -1]


def _fit(case, margin=1e-3):
    """Whether no derivative jumps nearby, in any z or error, and no softmax is pushed along (1, ..., 1) only.

    In that direction a softmax does not move: its delta is 0, found as a rounding error of any relative size.
    """
    layers = case.architecture.layers(case.theta)
    done = forward(case.X, layers, case.keep)
    distances = [np.abs(Z).min() for Z, layer in zip(done.Z, layers, strict=True) if layer.activation.elementwise]
    for block in case.architecture.blocks:
        A, T = done.A[-1][:, block.columns], case.T[:, block.columns]
        if block.cost.name in ("absolute", "quantile", "huber"):
            distances += [np.abs(A - T).min(), np.abs(np.abs(A - T) - getattr(block.cost, "delta", 0)).min()]
            if block.activation.name == "softmax" and block.width > 1:
                distances.append(np.ptp(block.cost.derivative(A, T), axis=1).max())
    return min(distances, default=1) > margin


# ----------------------------------------------------------------------------------------- gradients


def objective(case, thetas):
    """C for each row of `thetas` (K, P), real or complex: weights, penalties and dropout by their definitions."""
    K, m, sizes = len(thetas), len(case.X), case.architecture.sizes
    A, at, penalty = np.broadcast_to(case.X, (K, *case.X.shape)), 0, 0.0
    for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        W, b = np.split(thetas[:, at : at + (n_in + 1) * n_out], [n_in * n_out], axis=1)
        at += (n_in + 1) * n_out
        mask = case.architecture.masks[k]
        W = W.reshape(K, n_in, n_out) * (1 if mask is None else mask)
        Z = A @ W + b[:, None, :]
        A = case.architecture.activations[k].value(Z.reshape(K * m, n_out)).reshape(Z.shape)
        A = A if case.keep[k] is None else A * case.keep[k]
        penalty += (case.alpha / 2 * W * W + case.l1 * np.where(W.real < 0, -W, W)).sum(axis=(1, 2))
    return (_weighted_costs(case, Z, A) + penalty) / case.total


def _weighted_costs(case, Z, A):
    """sum_i s_i C_xi, or sum_ij s_ij c_ij, for each of the K passes."""
    K, m, n_L = Z.shape
    weight = np.ones(m) if case.weight is None else case.weight
    weight = np.broadcast_to(weight[:, None], (m, n_L)) if weight.ndim == 1 else weight
    found = 0.0
    for block in case.architecture.blocks:
        c = block.columns
        rows = (Z[:, :, c].reshape(K * m, -1), A[:, :, c].reshape(K * m, -1), np.tile(case.T[:, c], (K, 1)))
        with np.errstate(divide="ignore"):  # a softmax of one neuron is certain: ln(1 - a) = -inf, times t = 1 is 0
            terms = block.terms(*rows).reshape(K, m, -1)
        found = found + (terms * weight[:, c][:, : terms.shape[2]]).sum(axis=(1, 2))
    return found


def backpropagation(case, dtype="float64"):
    """The gradient under test: `Network.gradient`, or the engine's own batch where there is dropout."""
    if all(factor is None for factor in case.keep):
        net = Network.from_parts(case.architecture, case.theta.astype(dtype))
        return net.gradient(case.X, case.T, case.weight, case.alpha, case.l1)
    theta, m = case.theta.astype(dtype), len(case.X)
    scaled = None if case.weight is None else (case.weight * (m / case.total)).astype(dtype)
    keep = [None if factor is None else factor.astype(dtype) for factor in case.keep]
    found = batch_gradient(case.architecture, theta, case.X, case.T, scaled, keep)[1]
    for W, dW in zip(case.architecture.views(theta)[0], case.architecture.views(found)[0], strict=True):
        dW[...] += penalty_gradient(W, case.alpha, case.l1, case.total)
    return found


def by_complex_step(case):
    """Im C(theta + ih e_k) / h for every k: exact to rounding, because nothing is subtracted."""
    return objective(case, case.theta + 1e-40j * np.eye(len(case.theta))).imag / 1e-40


def by_central_differences(case, h=1e-4):
    """(8 (C(+h) - C(-h)) - (C(+2h) - C(-2h))) / 12 h for every k: right to about h^4 and eps C / h."""
    at = [objective(case, case.theta + k * h * np.eye(len(case.theta))) for k in (1, -1, 2, -2)]
    return (8 * (at[0] - at[1]) - (at[2] - at[3])) / (12 * h)


def by_jax(case):
    """jax.grad of a forward pass written with jax.numpy and jax.nn alone; the caller enables 64 bits."""
    shapes, blocks = list(itertools.pairwise(case.architecture.sizes)), case.architecture.blocks
    weight = np.ones(len(case.X)) if case.weight is None else case.weight
    weight = np.repeat(weight[:, None], case.T.shape[1], axis=1) if weight.ndim == 1 else weight
    masks = [np.ones(shape) if mask is None else mask * 1.0 for shape, mask in zip(shapes, case.architecture.masks)]
    keep = [
        np.ones((len(case.X), n)) if factor is None else factor
        for factor, n in zip(case.keep, case.architecture.sizes[1:])
    ]
    choices = [HIDDEN.index(sigma) for sigma in case.architecture.hidden]
    choices += [number for b in blocks for number in (HIDDEN.index(b.activation), COST_ENTRIES.index(b.cost))]
    program = _jax_program(case.architecture.sizes, tuple(block.width for block in blocks))
    settings = np.array([case.alpha, case.l1, case.total])
    return np.asarray(program(case.theta, case.X, case.T, weight, masks, keep, settings, np.array(choices)))


@functools.cache
def _jax_program(sizes, widths):
    """The gradient for these sizes, compiled once: which activations and costs are chosen is data."""
    import jax
    import jax.numpy as jnp

    def sigma(number, z):
        return jax.lax.switch(number, [functools.partial(_jax_sigma, entry) for entry in HIDDEN], z)

    def cost(number, a, t):
        return jax.lax.switch(number, [functools.partial(_jax_cost, entry) for entry in COST_ENTRIES], a, t)

    def objective(theta, a, t, weight, masks, keep, settings, choices):
        alpha, l1, total = settings
        at, c, C = 0, 0, 0.0
        for k, (n, p) in enumerate(itertools.pairwise(sizes)):
            w, b = theta[at : at + n * p].reshape(n, p) * masks[k], theta[at + n * p : at + n * p + p]
            at += n * p + p
            C += alpha / 2 * jnp.sum(w**2) + l1 * jnp.sum(jnp.abs(w))
            z = a @ w + b
            a = sigma(choices[k], z) * keep[k] if k < len(sizes) - 2 else None
        for k, width in enumerate(widths, start=len(sizes) - 2):
            block = slice(c, c + width)
            y = sigma(choices[2 * k - len(sizes) + 2], z[:, block])
            C += jnp.sum(cost(choices[2 * k - len(sizes) + 3], y, t[:, block]) * weight[:, block])
            c += width
        return C / total

    return jax.jit(jax.grad(objective))


def _jax_sigma(sigma, z):
    import jax

    functions = {
        "identity": lambda: z,
        "tanh": lambda: jax.numpy.tanh(z),
        "exp": lambda: jax.numpy.exp(z),
        "leaky_relu": lambda: jax.nn.leaky_relu(z, sigma.slope),
        "elu": lambda: jax.nn.elu(z, sigma.alpha),
        "gelu": lambda: jax.nn.gelu(z, approximate=False),
        "softmax": lambda: jax.nn.softmax(z, axis=1),
    }
    return functions.get(sigma.name, lambda: getattr(jax.nn, sigma.name)(z))()


def _jax_cost(cost, a, t):
    """c_ij, also for cross-entropy: its weights are equal within a row."""
    import jax.numpy as jnp

    def log(p, where):
        return jnp.log(jnp.where(where, p, 1.0))

    e, d = a - t, getattr(cost, "delta", None)
    functions = {
        "quadratic": lambda: e**2 / 2,
        "absolute": lambda: jnp.abs(e),
        "huber": lambda: jnp.where(jnp.abs(e) < d, e**2 / 2, d * jnp.abs(e) - d**2 / 2),
        "quantile": lambda: jnp.maximum((1 - cost.q) * e, -cost.q * e),
        "binary_cross_entropy": lambda: -t * log(a, t > 0) - (1 - t) * log(1 - a, t < 1),
        "cross_entropy": lambda: -t * log(a, t > 0),
        "poisson": lambda: a - t * log(a, t > 0),
    }
    return functions[cost.name]()


class Oracle(NamedTuple):
    """A way to the gradient, the problems of CI that it is asked, and the size below which its own rounding begins."""

    gradient: Any
    covering: Any
    floor: float = 0.0


ORACLES = {
    "complex step": Oracle(by_complex_step, covering_problems),
    "central differences": Oracle(by_central_differences, covering_problems, 1e-5),
    "jax.grad": Oracle(by_jax, covering_problems_for_jax),
}


def compare(oracle, problem):
    """The worst relative error of backpropagation on a problem; JAX is expected to be in 64 bits."""
    case, (gradient, _, floor) = build(problem), ORACLES[oracle]
    return worst_relative(case.architecture, backpropagation(case), gradient(case), floor)


# ------------------------------------------------------------------------------------------- the numbers


def _compare(oracle, problem):
    if oracle == "jax.grad":
        import jax

        jax.config.update("jax_enable_x64", True)
    return compare(oracle, problem), str(problem)


def main(which="full", *oracles):
    """Print the worst error over the full product (or "covering") against each oracle (or those named)."""
    with multiprocessing.get_context("spawn").Pool() as pool:
        for name in oracles or ORACLES:
            start = time.perf_counter()
            problems = full_problems() if which == "full" else ORACLES[name].covering()
            found = list(pool.imap_unordered(functools.partial(_compare, name), problems, chunksize=64))
            seconds = time.perf_counter() - start
            worst, problem = max(found, key=lambda pair: (math.isnan(pair[0]), pair[0]))
            print(f"{name:20} {len(found):8,} problems  worst {worst:.1e}  {seconds:5.0f} s  {problem}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
