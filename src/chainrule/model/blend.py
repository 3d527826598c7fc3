"""The mean of an ensemble and of members with other settings, which trials have trained: often better than the best.

    Z^L = (K Z^L of the K members of the best trial + h Z^L of the h members of another + ...) / (K + h + ...)

A trial trains h members, each without its fold, so the rows of these folds tell what a mean is worth: each is answered
by members that have not seen it. One trial after another joins, the one that leaves the least cost first, as long as
the cost falls by half a percent. All members have the same share of Z^L, so the mean is one ordinary network.

Source: Caruana, Niculescu-Mizil, Crew & Ksikes, Ensemble selection from libraries of models, ICML 2004.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.equations import forward
from chainrule.examples import RowArrays
from chainrule.model.ensemble import Ensemble, on_inputs
from chainrule.network import Network

__all__ = ["Judge", "Tried", "joining", "members_on"]

GAIN = 0.995  # of the cost is left at most, or a trial does not join
MOST = 2  # times as many members as without the trials, at most


class Tried(NamedTuple):
    """The trained members of a trial.

    - ensemble, network: the members, and the network of all of them.
    - places: the inputs that they see, by their numbers; None if these are all.
    - cost: their validation cost.
    """

    ensemble: Ensemble
    network: Network
    places: Array | None
    cost: float


def joining(best: Tried, others: Sequence[Tried], count: int, rows: RowArrays) -> list[Tried]:
    """The trials whose members join those of the best one.

    - best, others: the trials, of the same folds.
    - count: the number of members that are trained with the settings of the best trial.
    - rows: X with all inputs, T and weights of the rows to train on.
    """
    if not math.isfinite(best.cost):
        return []
    judge = Judge(best, rows)
    total, members, least = judge.outputs(best) * count, count, judge.cost(judge.outputs(best))
    left, joined = {k: judge.outputs(trial) for k, trial in enumerate(others) if math.isfinite(trial.cost)}, []
    h = best.ensemble.count
    while left and members + h <= MOST * count:
        costs = {k: judge.cost((total + h * Z) / (members + h)) for k, Z in left.items()}
        k = min(costs, key=costs.__getitem__)
        if not costs[k] < (GAIN * least if least > 0 else least / GAIN):
            break
        total, members, least = total + h * left.pop(k), members + h, costs[k]
        joined.append(others[k])
    return joined


def members_on(trials: Sequence[Tried], width: int) -> tuple[Network, ...]:
    """The members of all trials, each as a network of all inputs, whose number is `width`."""
    return tuple(
        on_inputs(trial.ensemble.member(trial.network, k), trial.places, width)
        for trial in trials
        for k in range(trial.ensemble.count)
    )


class Judge:
    """The cost of rows that are answered by members that have not seen them.

    - trial: the members, of which each leaves out a fold; any other trial of these folds can be judged.
    - rows: X with all inputs, T and weights of the rows to train on.
    - fold: for each row (n,) of these folds, in turn, the member that leaves it out.
    """

    def __init__(self, trial: Tried, rows: RowArrays) -> None:
        fold, ensemble = trial.ensemble.fold, trial.ensemble
        assert fold is not None, "each row is left out by a member"
        self._rows = [np.flatnonzero(fold == k) for k in range(ensemble.count)]
        chosen = np.concatenate(self._rows)
        self.fold = fold[chosen]
        self._X, self._one = rows.X, ensemble.one
        self._T = np.asarray(rows.T)[chosen].astype(np.float64)
        self._weight = ensemble.weights(rows.weight, len(rows.X))[chosen]

    def outputs(self, trial: Tried, change: Callable[[Array], Array] | None = None) -> Array:
        """Z^L of the rows of each fold in turn, by the member that leaves it out; `change` gives other inputs."""
        parts = []
        for k, rows in enumerate(self._rows):
            net = trial.ensemble.member(trial.network, k)
            layers = net.architecture.layers(net.theta.astype(np.float64))
            X = self._X[rows] if trial.places is None else self._X[np.ix_(rows, trial.places)]
            X = X.astype(np.float64)
            parts.append(forward(X if change is None else change(X), layers).Z[-1])
        return np.concatenate(parts)

    def costs(self, Z: Array) -> Array:
        """s C_x of each row (n,)."""
        with np.errstate(all="ignore"):
            A = np.concatenate([block.activation.value(Z[:, block.columns]) for block in self._one.blocks], axis=1)
            return self._one.costs(Z, A, self._T, self._weight)

    def cost(self, Z: Array) -> float:
        """The sum of s C_x over the rows, infinite where it is not a number."""
        total = float(self.costs(Z).sum())
        return total if math.isfinite(total) else math.inf
