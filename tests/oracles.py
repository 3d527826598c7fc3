"""The gradient of a network's cost by ways that know nothing of backpropagation, and how far it is from them.

`PYTHONPATH=src python -m tests.oracles` prints the worst relative error of backpropagation over the full product of
all factors, against each oracle (twenty minutes on two cores); `... tests.oracles covering` over CI's sets.
"""

import functools
import itertools
import math
import multiprocessing
import sys
import time
from typing import Any, NamedTuple

import numpy as np

from chainrule.backprop import sweep
from chainrule.equations import penalty_gradient
from chainrule.network import Network

from .problems import COST_ENTRIES, SIGMAS, cases, covering_problems, covering_problems_for_jax, full_problems


def deviation(found, exact):
    """The largest |found - exact| / max(1, |exact|); equal infinities agree, and NaN is never small."""
    found, exact = np.asarray(found, dtype=np.float64), np.asarray(exact, dtype=np.float64)
    assert found.shape == exact.shape
    with np.errstate(invalid="ignore"):
        off = np.abs(found - exact) / np.maximum(1, np.abs(exact))
    return float(np.max(np.where(found == exact, 0, off)))


def worst_relative(architecture, found, expected, floor=0.0):
    """The worst layer's largest |difference| / largest |element|, or / `floor` times the largest element of all.

    Without a floor a layer of zeros must be met exactly.
    """
    assert found.shape == expected.shape
    errors, least = [], floor * np.max(np.abs(expected))
    for W, b in architecture.slices:
        layer = slice(W.start, b.stop)
        off, size = np.max(np.abs(found[layer] - expected[layer])), max(np.max(np.abs(expected[layer])), least)
        errors.append(0.0 if off == 0 else off / size if size else math.inf)
    return float(np.max(errors))


def objective(case, thetas):
    """C for each row of `thetas` (K, P), real or complex: weights, penalties and dropout by their definitions."""
    costs, penalty = _costs_and_penalty(case, thetas)
    return (costs.sum(axis=1) + penalty) / case.total


def row_costs(case, thetas):
    """s_i C_xi, or sum_j s_ij c_ij, of each example for each row of `thetas` (K, P), real or complex: (K, m)."""
    return _costs_and_penalty(case, thetas)[0]


def _costs_and_penalty(case, thetas):
    """The weighted costs (K, m) and the penalty (K,), not divided by S."""
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
    return _weighted_costs(case, Z, A), penalty


def _weighted_costs(case, Z, A):
    """s_i C_xi, or sum_j s_ij c_ij, for each of the K passes and m examples."""
    K, m, _ = Z.shape
    found = 0.0
    for block in case.architecture.blocks:
        c = block.columns
        rows = (Z[:, :, c].reshape(K * m, -1), A[:, :, c].reshape(K * m, -1), np.tile(case.T[:, c], (K, 1)))
        with np.errstate(divide="ignore"):  # a softmax of one neuron is certain: ln(1 - a) is -inf
            terms = block.terms(*rows).reshape(K, m, -1)
        found = found + (terms * case.weights[:, c][:, : terms.shape[2]]).sum(axis=2)
    return found


def backpropagation(case, dtype="float64"):
    """The gradient under test: `Network.gradient`, or `sweep` where there is dropout."""
    if all(factor is None for factor in case.keep):
        net = Network.from_parts(case.architecture, case.theta.astype(dtype))
        return net.gradient(case.X, case.T, case.weight, case.alpha, case.l1)
    theta, m = case.theta.astype(dtype), len(case.X)
    scaled = None if case.weight is None else (case.weight * (m / case.total)).astype(dtype)
    keep = [None if factor is None else factor.astype(dtype) for factor in case.keep]
    with np.errstate(divide="ignore"):
        found = sweep(case.architecture, theta, case.X, case.T, scaled, keep).gradient
    for W, dW in zip(case.architecture.views(theta)[0], case.architecture.views(found)[0], strict=True):
        dW[...] += penalty_gradient(W, case.alpha, case.l1, case.total)
    return found


def by_complex_step(case):
    """Im C(theta + ih e_k) / h for every k: exact to rounding, because nothing is subtracted."""
    return objective(case, _stepped(case)).imag / 1e-40


def rows_by_complex_step(case):
    """The gradient of `row_costs` of each example by theta, (m, P), by complex steps."""
    return row_costs(case, _stepped(case)).imag.T / 1e-40


def _stepped(case):
    """theta once for each of its elements, that element moved by ih, (P, P)."""
    return case.theta + 1e-40j * np.eye(len(case.theta))


def by_central_differences(case, h=1e-4):
    """(8 (C(+h) - C(-h)) - (C(+2h) - C(-2h))) / 12 h for every k: right to about h^4 and eps C / h."""
    at = [objective(case, case.theta + k * h * np.eye(len(case.theta))) for k in (1, -1, 2, -2)]
    return (8 * (at[0] - at[1]) - (at[2] - at[3])) / (12 * h)


def by_jax(case):
    """jax.grad of a forward pass written with jax.numpy and jax.nn alone; the caller enables 64 bits."""
    sizes, blocks = case.architecture.sizes, case.architecture.blocks
    gates = zip(case.architecture.masks, itertools.pairwise(sizes), strict=True)
    masks = [np.ones(shape) if mask is None else mask.astype(float) for mask, shape in gates]
    keep = [np.ones((1, 1)) if factor is None else factor for factor in case.keep]
    keep = [np.broadcast_to(factor, (len(case.X), n)) for factor, n in zip(keep, sizes[1:], strict=True)]
    hidden = np.array([SIGMAS.index(sigma) for sigma in case.architecture.hidden], dtype=int)
    outputs = np.array([(SIGMAS.index(block.activation), COST_ENTRIES.index(block.cost)) for block in blocks])
    program = _jax_program(sizes, tuple(block.width for block in blocks))
    settings = np.array([case.alpha, case.l1, case.total])
    return np.asarray(program(case.theta, case.X, case.T, case.weights, masks, keep, settings, hidden, outputs))


@functools.cache
def _jax_program(sizes, widths):
    """The gradient for these sizes, compiled once: which activations and costs are chosen is data."""
    import jax
    import jax.numpy as jnp

    def sigma(number, z):
        return jax.lax.switch(number, [functools.partial(_jax_sigma, entry) for entry in SIGMAS], z)

    def cost(number, a, t):
        return jax.lax.switch(number, [functools.partial(_jax_cost, entry) for entry in COST_ENTRIES], a, t)

    def objective(theta, a, t, weight, masks, keep, settings, hidden, outputs):
        alpha, l1, total = settings
        at, C = 0, 0.0
        for k, (n, p) in enumerate(itertools.pairwise(sizes)):
            w, b = theta[at : at + n * p].reshape(n, p) * masks[k], theta[at + n * p : at + n * p + p]
            at += n * p + p
            C += alpha / 2 * jnp.sum(w**2) + l1 * jnp.sum(jnp.abs(w))
            z = a @ w + b
            a = sigma(hidden[k], z) * keep[k] if k < len(sizes) - 2 else None
        for k, end in enumerate(itertools.accumulate(widths)):
            block = slice(end - widths[k], end)
            y = sigma(outputs[k, 0], z[:, block])
            C += jnp.sum(cost(outputs[k, 1], y, t[:, block]) * weight[:, block])
        return C / total

    return jax.jit(jax.grad(objective))


def _jax_sigma(sigma, z):
    """The activation by JAX's own functions; one that JAX lacks by ours, of which JAX then takes the derivative."""
    import jax

    functions = {
        "identity": lambda: z,
        "tanh": lambda: jax.numpy.tanh(z),
        "exp": lambda: jax.numpy.exp(z),
        "leaky_relu": lambda: jax.nn.leaky_relu(z, sigma.slope),
        "elu": lambda: jax.nn.elu(z, sigma.alpha),
        "gelu": lambda: jax.nn.gelu(z, approximate=False),
        "softsign": lambda: jax.nn.soft_sign(z),
        "hardtanh": lambda: jax.nn.hard_tanh(z),
        "prelu": lambda: jax.nn.leaky_relu(z, sigma.slope),
        "sine": lambda: jax.numpy.sin(sigma.omega * z),
        "softmax": lambda: jax.nn.softmax(z, axis=1),
    }
    return functions.get(sigma.name, lambda: getattr(jax.nn, sigma.name, sigma.value)(z))()


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
        "gaussian": lambda: _jax_gaussian(a, e),
    }
    return functions[cost.name]()


def _jax_gaussian(a, e):
    """The term of each pair in the column of its mean; a last mean alone has the log variance 0."""
    import jax.numpy as jnp

    s = jnp.pad(a[:, 1::2], ((0, 0), (0, a.shape[1] % 2)))
    return jnp.zeros_like(a).at[:, 0::2].set(0.5 * (s + e[:, 0::2] ** 2 * jnp.exp(-s)))


class Oracle(NamedTuple):
    """A way to the gradient, and the share of its largest element that the way's own rounding is small against."""

    gradient: Any
    floor: float = 0.0


ORACLES = {
    "complex step": Oracle(by_complex_step),
    "central differences": Oracle(by_central_differences, 1e-2),
    "jax.grad": Oracle(by_jax),
}
SETS = {  # which problems, and the oracles that are asked
    "covering": [
        (covering_problems, ["complex step", "central differences"]),
        (covering_problems_for_jax, ["jax.grad"]),
    ],
    "full": [(full_problems, list(ORACLES))],
}


def build(problem, least=1e-5):
    """The first numbers drawn for a problem in which the gradient does not cancel.

    Where the parts of a gradient add up to nothing, among the rows or in a softmax that is pushed in all its outputs
    alike, the rest is their rounding, which has no right digits to compare. `least` is the smallest that a layer's
    largest element may be, unless it is 0.
    """
    return next(case for case in cases(problem) if _does_not_cancel(case, least))


def _does_not_cancel(case, least):
    """No layer's gradient is next to nothing; exactly 0 it may be: a dead relu, or a softmax of one neuron alone."""
    size = np.abs(by_complex_step(case))
    largest = np.array([size[W.start : b.stop].max() for W, b in case.architecture.slices])
    constant = all(block.activation.name == "softmax" and block.width == 1 for block in case.architecture.blocks)
    return ((largest == 0) | (largest > least)).all() and (largest.max() > 1e-2 or constant)


def compare(problem, oracles):
    """The worst relative error of backpropagation on a problem against each oracle; JAX has to be in 64 bits."""
    case = build(problem)
    found = backpropagation(case)
    return {
        name: worst_relative(case.architecture, found, ORACLES[name].gradient(case), ORACLES[name].floor)
        for name in oracles
    }


def _compare(oracles, problem):
    if "jax.grad" in oracles:
        import jax

        jax.config.update("jax_enable_x64", True)
    return compare(problem, oracles), str(problem)


def main(which="full"):
    """Print the worst error against each oracle, over the full product or CI's "covering" sets."""
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool() as pool:
        for problems, oracles in SETS[which]:
            worst, count = dict.fromkeys(oracles, (0.0, "")), 0
            for errors, problem in pool.imap_unordered(functools.partial(_compare, oracles), problems(), chunksize=64):
                count += 1
                worst = {
                    name: max(worst[name], (math.inf if math.isnan(e) else e, problem)) for name, e in errors.items()
                }
            for name, (error, problem) in worst.items():
                print(f"{name:20} {count:8,} problems  worst {error:.1e}  {problem}", flush=True)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
