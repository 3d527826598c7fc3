"""Problems to take gradients of: rows of factors, and the numbers drawn for each."""

import dataclasses
import functools
import itertools
import math
import zlib
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture
from chainrule.costs import COSTS
from chainrule.equations import forward


def variants(registry):
    """Every entry of a registry as it comes, and those with parameters once more with other numbers."""
    for entry in registry.classes():
        yield entry()
        fields = dataclasses.fields(entry)
        if fields:
            yield entry(**{f.name: 1.7 * f.default for f in fields})


SIGMAS = list(variants(ACTIVATIONS))
COST_ENTRIES = list(variants(COSTS))


def _meets(sigma, cost):
    """The gaussian cost meets some activations only, so that the set stays small: it takes any outputs alike."""
    return cost.name != "gaussian" or sigma.name in ("identity", "tanh", "softmax")


FLAT = {  # no hidden layer; sizes but the last, the output's width, rows
    "1-1": ((1,), 1, 1),
    "3-3": ((3,), 3, 7),
}
DEEP = {
    "primes": ((5, 7), 3, 11),
    "one row": ((2, 3), 2, 1),
    "width 1": ((2, 1, 1), 1, 4),
    "three hidden": ((3, 4, 3, 2), 2, 5),
}
FACTORS = {
    "hidden": SIGMAS,
    "output": [(a, c) for a in SIGMAS for c in COST_ENTRIES if a.range.inside(c.outputs) and _meets(a, c)],
    "shape": list(DEEP),
    "weights": ["unweighted", "(n,)", "(n, n_L)"],
    "masks": ["unmasked", "masked"],
    "blocks": ["one block", "block after", "block before"],
    "penalty": ["free", "alpha", "l1", "alpha and l1"],
    "dropout": ["all kept", "dropout"],
}
FACTORS_WITHOUT_HIDDEN = FACTORS | {"hidden": [None], "shape": list(FLAT), "dropout": ["all kept"]}


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
        return self.weights.mean(axis=1).sum()

    @property
    def weights(self):
        """The weights of all terms, (n, n_L)."""
        weight = np.ones(len(self.X)) if self.weight is None else self.weight
        return np.broadcast_to(weight[:, None], self.T.shape) if weight.ndim == 1 else weight


def covering(factors):
    """Rows in which every two values of every two factors meet: as many as the two largest factors ask for.

    Where a choice is free it is drawn, so that three and more values meet in as many ways as there are rows.

    >>> len(covering([[0, 1], [0, 1, 2], [0, 1]]))
    6
    """
    by_size = sorted(range(len(factors)), key=lambda f: -len(factors[f]))
    first, second, *others = [range(len(factors[f])) for f in by_size]
    rows, rng = [list(row) for row in itertools.product(first, second)], np.random.default_rng(0)
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
    rows = [row for factors in (FACTORS, FACTORS_WITHOUT_HIDDEN) for row in covering(list(factors.values()))]
    return [Problem(*row) for row in rows]


@functools.cache
def covering_problems_for_jax():
    """The same in two shapes, because JAX takes seconds to compile its program for each."""
    few = {"blocks": ["block after"]}
    deep, flat = FACTORS | {"shape": ["three hidden"]} | few, FACTORS_WITHOUT_HIDDEN | {"shape": ["3-3"]} | few
    return [Problem(*row) for factors in (deep, flat) for row in covering(list(factors.values()))]


def full_problems(**held):
    """The full product, or the part of it in which some factors are held still."""
    for factors in (FACTORS, FACTORS_WITHOUT_HIDDEN):
        values = [[v for v in values if name not in held or v == held[name]] for name, values in factors.items()]
        yield from (Problem(*row) for row in itertools.product(*values))


def cases(problem):
    """The numbers of a problem, always the same ones: as many draws as wanted, in which no derivative jumps nearby."""
    seed = zlib.crc32(str(problem).encode())
    draws = (_draw(problem, np.random.default_rng([seed, attempt])) for attempt in itertools.count())
    return (case for case in draws if _smooth(case))


def _draw(problem, rng):
    front, width, m = (FLAT | DEEP)[problem.shape]
    blocks = {
        "one block": [(*problem.output, width)],
        "block after": [(*problem.output, width), ("softmax", "cross_entropy", 3)],
        "block before": [("sigmoid", "binary_cross_entropy", 2), (*problem.output, width)],
    }[problem.blocks]
    sizes = (*front, sum(n for *_, n in blocks))
    hidden = problem.hidden or "identity"
    masks = [rng.random(shape) < 0.7 if problem.masks == "masked" else None for shape in itertools.pairwise(sizes)]
    output, costs = [(sigma, n) for sigma, _, n in blocks], [cost for _, cost, _ in blocks]
    architecture = Architecture.of(sizes, hidden, output, costs, masks)
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
    """Weights with some at 0, whole rows and (where terms may have their own) single terms."""
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


KINKS = {"hardtanh": (-1.0, 1.0), "relu6": (0.0, 6.0)}  # where a derivative jumps; others at 0, if at all


def _smooth(case, margin=2e-3):
    """Whether something goes through every layer, nothing explodes, and no derivative jumps near any z or error."""
    if not all(gate is None or gate.any() for gate in (*case.architecture.masks, *case.keep)):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        done = forward(case.X, case.architecture.layers(case.theta), case.keep)
    if not all((np.abs(Z) < 8).all() for Z in done.Z):
        return False
    layers = zip(done.Z[:-1], case.architecture.hidden, strict=True)
    places = [Z - kink for Z, sigma in layers if sigma.elementwise for kink in KINKS.get(sigma.name, (0.0,))]
    for block in case.architecture.blocks:
        Z, A, T = (part[:, block.columns] for part in (done.Z[-1], done.A[-1], case.T))
        places += [Z - kink for kink in KINKS.get(block.activation.name, (0.0,)) if block.activation.elementwise]
        if block.cost.name in ("absolute", "quantile", "huber"):
            places += [A - T, np.abs(A - T) - getattr(block.cost, "delta", 0)]
    return all((np.abs(place) > margin).all() for place in places)
