"""The gradient check: an engine's gradient and one update of its training, against derivatives of the cost."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.certificate.functions import Alone, functions_of
from chainrule.certificate.method import UNITS, Method, method_for
from chainrule.certificate.objective import TINY, Objective
from chainrule.certificate.records import BLIND, Certificate, Check, Place
from chainrule.certificate.rounding import bounds, jumps, unit_of
from chainrule.engines import Engine, choose
from chainrule.errors import SettingError
from chainrule.examples import Examples
from chainrule.optimizers import SGD
from chainrule.random import Purpose, as_seed, permutation, raw_words
from chainrule.registry import is_finite, is_number, require
from chainrule.settings import TrainingSettings
from chainrule.text import shown

__all__ = ["check_gradient"]

RATE = 2.0**20  # of the one update: so large that theta is small beside what it adds, and a power of 2, which is exact
SORTED = 2**20  # parameters of a layer up to which their choice sorts them all


class _Case(NamedTuple):
    """A network at examples, as an engine gets them: everything in the network's type, `weight` of mean 1.

    `total`, the sum of the weights before, divides the penalties alpha and l1.
    """

    architecture: Architecture
    theta: Array
    X: Array
    T: Array
    weight: Array | None
    total: float
    alpha: float = 0.0
    l1: float = 0.0

    def objective(self, plain: bool = False) -> Objective:
        """The cost as a function of theta, in float64."""
        T = self.architecture.one_hot(self.T, self.theta.dtype)
        X = np.ascontiguousarray(self.X, self.theta.dtype)
        weight = None if self.weight is None else self.weight.astype(np.float64)
        theta, X, T = (part.astype(np.float64) for part in (self.theta, X, T))
        return Objective(self.architecture, theta, X, T, weight, plain)

    def penalties(self, layer: int, flat: Array) -> Array:
        """The derivatives (k,) of the penalties for parameters of a layer: 0 for biases. By complex step, too."""
        W, _ = self.architecture.slices[layer - 2]
        own = self.theta[W].astype(np.float64)
        w = np.where(flat < len(own), own[np.minimum(flat, len(own) - 1)], 0.0) + 1j * TINY * (flat < len(own))
        squares, sizes = w * w / 2, w * np.sign(w.real)
        return np.asarray((self.alpha * squares + self.l1 * sizes).imag / TINY / self.total)

    def without_jumps(self, count: int, unit: float) -> "_Case":
        """The examples at which rounding does not decide the side of a jump; all of them if there are no others."""
        left = ~jumps(self.objective(), unit_of(self.theta.dtype), unit, count)
        if left.all() or not left.any():
            return self
        weight = None if self.weight is None else self.weight[left]
        return self._replace(X=self.X[left], T=self.T[left], weight=weight)


def check_gradient(
    architecture: Architecture,
    theta: Array,
    examples: Examples,
    *,
    alpha: float = 0.0,
    l1: float = 0.0,
    layers: Any = None,
    most: Any = 2000,
    seed: Any = 0,
    engine: str = "auto",
) -> Certificate:
    """Check the gradient of an engine at theta for checked examples; see `Network.check_gradient`."""
    require(is_finite(most) and int(most) == most >= 1, "most", most, "a whole number from 1")
    chosen, seed = _layers(layers, len(architecture.sizes)), as_seed(seed)
    computes = choose(engine, architecture)
    data = examples.X, examples.T, examples.weight, examples.total
    case = _Case(architecture, theta, *data, float(alpha), float(l1))
    with np.errstate(all="ignore"):
        objective = case.objective()
        method = method_for(architecture, objective.Z, objective.A[-1], objective.T)
        case = case.without_jumps(int(most), UNITS[method.name])
        gradients = {"gradient": computes.gradient(*case), "update": _update(computes, case)}
        checks = _compare(case, method, gradients, _parameters(architecture, chosen, int(most), seed))
        alone = functions_of(architecture, objective.Z, objective.T, seed)
        functions = tuple(_of_function(computes, each, theta.dtype) for each in alone)
    digest = hashlib.sha256(theta.astype(theta.dtype.newbyteorder("<")).tobytes()).hexdigest()
    rows = len(case.X)
    parts = (*method, computes.name, theta.dtype.name, rows, objective.m - rows, seed, digest)
    return Certificate(tuple(checks), functions, *parts, case.alpha, case.l1)


# ---------------------------------------------------------------------------------------- what is compared


def _layers(layers: Any, L: int) -> list[int]:
    """The layers to check, from 2. Raises SettingError for others."""
    wanted = range(2, L + 1) if layers is None else [layers] if is_number(layers) else layers
    try:
        numbers = sorted({int(layer) for layer in wanted})
        whole = all(int(layer) == layer and 2 <= layer <= L for layer in wanted)
    except (TypeError, ValueError, OverflowError):
        numbers, whole = [], False
    if not whole or not numbers:
        allowed = "2" if L == 2 else f"2 to {L}"
        raise SettingError(f"layers is {shown(layers)}, but must name layers with weights: {allowed}")
    return numbers


def _parameters(architecture: Architecture, layers: Sequence[int], most: int, seed: int) -> dict[int, Array]:
    """For each layer the places in its slice of theta to compare: all that are free, or a seeded choice."""
    free = {layer: _free(architecture, layer) for layer in layers}
    left, chosen = most, {}
    for rank, layer in enumerate(sorted(layers, key=lambda each: len(free[each]))):  # what small ones leave, others get
        count = max(1, left // (len(layers) - rank))
        chosen[layer] = free[layer][_choice(seed, layer, len(free[layer]), count)]
        left -= len(chosen[layer])
    return {layer: chosen[layer] for layer in layers}


def _free(architecture: Architecture, layer: int) -> Array:
    """The places of the weights and biases of a layer that are not masked."""
    W, b = architecture.slices[layer - 2]
    mask = architecture.masks[layer - 2]
    places = np.arange(b.stop - W.start)
    return places if mask is None else places[np.concatenate([mask.ravel(), np.ones(b.stop - b.start, np.bool_)])]


def _choice(seed: int, layer: int, n: int, count: int) -> Array:
    """`count` of the numbers 0 to n-1, or a little less of very many, in order."""
    if n <= count:
        return np.arange(n)
    if n <= SORTED:
        return np.sort(permutation(seed, Purpose.CHECKED, layer, n)[:count])
    return np.unique(raw_words(seed, Purpose.CHECKED, layer, count) % np.uint64(n)).astype(np.int64)


# ---------------------------------------------------------------------------------------- both sides


def _update(engine: Engine, case: _Case) -> Array:
    """The gradient that training descends: theta before less theta after one update, divided by the rate."""
    m = len(case.X)
    settings = TrainingSettings(optimizer=SGD(RATE), batch_size=m, seed=0, alpha=case.alpha, l1=case.l1)
    settings = settings.settled(m, case.architecture.sizes)
    theta = case.theta.copy()
    run = engine.start(case.architecture, theta, settings, case.total)
    run.steps(case.X, case.T, case.weight, np.arange(m), np.array([RATE]), 0, 0)
    return (case.theta.astype(np.float64) - theta) / RATE


def _of_function(engine: Engine, alone: Alone, dtype: Any) -> Check:
    """The check of one function, as a network of one layer whose dC/db is delta."""
    architecture, theta, X, T = alone.architecture, *(part.astype(dtype) for part in (alone.theta, alone.X, alone.T))
    case = _Case(architecture, theta, X, T, None, float(len(X)))
    objective = case.objective(plain=True)
    method = method_for(architecture, objective.Z, objective.A[-1], objective.T)
    n = architecture.sizes[0]
    case = case.without_jumps(n, UNITS[method.name])
    (check,) = _compare(case, method, {"gradient": engine.gradient(*case)}, {2: n * n + np.arange(n)}, plain=True)
    where = Place(alone.layer, -1, alone.start + check.where.j)
    return dataclasses.replace(check, subject=alone.subject, layer=alone.layer, of=alone.width, where=where)


def _compare(
    case: _Case, method: Method, gradients: Mapping[str, Array], parameters: Mapping[int, Array], plain: bool = False
) -> list[Check]:
    """A check for each layer of `parameters`."""
    objective = case.objective(plain)
    u, count = unit_of(case.theta.dtype), sum(map(len, parameters.values()))
    by_layer, of_cost = bounds(objective, u, UNITS[method.name], count)
    noise, checks = float(np.mean(objective.s * of_cost)), []
    for layer, flat in parameters.items():
        W, b = case.architecture.slices[layer - 2]
        derivatives, penalties = objective.derivatives(layer - 2, flat, method.name), case.penalties(layer, flat)
        values = derivatives.values + penalties
        of_penalties = 8 * u * (np.abs(penalties) + np.abs(values) * (penalties != 0))  # of a few roundings
        of_update = 4 * u * np.abs(case.theta[W.start : b.stop][flat].astype(np.float64)) / RATE
        limits = (
            by_layer[layer - 2].of(*objective.parameters(layer - 2, flat))
            + derivatives.error
            + noise / derivatives.step
            + of_update
            + of_penalties
        )
        sides = {source: gradient[W.start : b.stop].astype(np.float64) for source, gradient in gradients.items()}
        compared = _Compared(case.architecture, layer, flat, values, limits)
        checks.append(max((compared.check(side, source) for source, side in sides.items()), key=lambda c: c.ratio))
    return checks


class _Compared(NamedTuple):
    """The derivatives of some parameters of a layer, and what a gradient may differ from them."""

    architecture: Architecture
    layer: int
    flat: Array
    values: Array
    limits: Array

    def check(self, g: Array, source: str) -> Check:
        """The parameter at which the gradient g of the layer is worst, measured by what is allowed there.

        A masked weight stays 0, so that its derivative is 0, exactly; all of them are compared. Where more is allowed
        than a share of `BLIND` of the largest derivative, nothing can be told, and the parameter does not count.
        """
        mask = self.architecture.masks[self.layer - 2]
        masked = np.empty(0, np.int64) if mask is None else np.flatnonzero(~mask)
        errors = np.concatenate([np.abs(g[self.flat] - self.values), np.abs(g[masked])])
        limits = np.concatenate([self.limits, np.zeros(len(masked))])
        largest = float(np.abs(self.values).max())
        unit = largest or 1.0
        ratio = np.where(errors == 0, 0.0, errors / limits)
        ratio[np.isnan(ratio)] = np.inf
        sharp = (limits <= BLIND * unit) | (ratio > 1) | ((errors == 0) & (largest == 0))
        enough = 2 * np.count_nonzero(sharp[: len(self.flat)]) >= len(self.flat)
        at = int(np.argmax(np.where(sharp, ratio, -1.0) if enough else np.where(ratio > 1, ratio, limits / unit)))
        return Check(
            subject=f"layer {self.layer}",
            layer=self.layer,
            checked=int(np.count_nonzero(sharp[: len(self.flat)])),
            of=len(g) - len(masked),
            largest=largest,
            error=float(errors[at]) / unit,
            allowed=float(limits[at]) / unit,
            where=self._place(int(np.concatenate([self.flat, masked])[at])),
            source=source,
        )

    def _place(self, flat: int) -> Place:
        n_in, n_out = self.architecture.sizes[self.layer - 2 : self.layer]
        return Place(self.layer, flat // n_out + 1 if flat < n_in * n_out else 0, flat % n_out + 1)
