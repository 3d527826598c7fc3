"""Linear models in which most weights are 0: for tables with many columns of which few matter.

    C + l1 sum |W|, for one l1 after another from strong to weak, each from the weights of the one before

The cost is convex and smooth, the penalty is not: a step of gradient descent is followed by the soft threshold
sign(w) max(|w| - l1 / L, 0), which is exact for it. L is the curvature that the steps have met so far; momentum begins
again where it points uphill.

Sources: Tibshirani, Regression shrinkage and selection via the lasso, 1996; Beck & Teboulle, A fast iterative
shrinkage-thresholding algorithm (FISTA), 2009, with backtracking; O'Donoghue & Candès, Adaptive restart for accelerated
gradient schemes, 2015, the gradient scheme.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from chainrule.arrays import Array
from chainrule.engines import Engine
from chainrule.examples import Examples
from chainrule.network import Network

__all__ = ["may_gain", "sparse_path"]

LEAST_INPUTS = 20  # of fewer, leaving some out gains nothing
ROWS_EACH = 20  # for each input: with more rows its weight is known well
MOST_NUMBERS = 3e6  # rows times inputs: beyond this the path takes too long
SHARES = (0.5, 0.25, 0.12, 0.06, 0.03, 0.015, 0.007)  # l1 divided by the least one for which all weights are 0
STEPS = 30  # for each l1
_ROUNDING = 1e-5  # of a cost: what its digits in float32 do not tell


def may_gain(rows: int, inputs: int) -> bool:
    """Whether leaving inputs out may gain anything that is worth the time, by the numbers of rows and inputs.

    >>> may_gain(200, 4000), may_gain(200, 4), may_gain(10_000, 100)
    (True, False, False)
    """
    return inputs >= LEAST_INPUTS and rows <= ROWS_EACH * inputs and rows * inputs <= MOST_NUMBERS


def sparse_path(
    linear: Network, examples: Examples, engine: Engine, cancel: Callable[[], bool]
) -> Iterator[tuple[float, Network]]:
    """The penalty l1, and the linear network of least cost under it, from the strongest to the weakest.

    - linear: a network without hidden layers, all of whose weights are 0; it stays as it is.
    - examples: those with a weight alone (see `Examples.present`).
    - cancel: a function without arguments; when it returns True, the network is left as it is at that step.
    """
    descent = _Descent(linear.copy(), examples, engine)
    strongest = float(np.abs(descent.gradient(linear.theta)[: linear.W[0].size]).max())
    for share in SHARES if strongest > 0 else ():
        descent.l1 = share * strongest
        for _ in range(STEPS):
            if cancel() or not descent.step():
                break
        descent.restart()
        yield descent.l1, descent.network.copy()


@dataclasses.dataclass
class _Descent:
    """The steps from the weights `network` has; `ahead` is where momentum leads, `moment` how strong that is."""

    network: Network
    examples: Examples
    engine: Engine
    l1: float = 0.0
    curvature: float = 1.0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget the momentum."""
        self.ahead, self.moment = self.network.theta.astype(np.float64), 1.0

    def step(self) -> bool:
        """Move the weights by a step; whether that changed them."""
        before, slope, cost = self.network.theta.astype(np.float64), self.gradient(self.ahead), self.cost(self.ahead)
        while True:
            after = self._thresholded(self.ahead - slope / self.curvature)
            move = after - self.ahead
            allowed = cost + slope @ move + self.curvature / 2 * (move @ move)
            if not self.cost(after) > allowed + _ROUNDING * abs(cost):
                break
            self.curvature *= 2
        uphill = (self.ahead - after) @ (after - before) > 0
        moment = 1.0 if uphill else (1 + math.sqrt(1 + 4 * self.moment**2)) / 2
        self.ahead = after if uphill else after + (self.moment - 1) / moment * (after - before)
        self.moment = moment
        self.network.theta = after.astype(self.network.dtype)
        return bool(np.abs(after - before).max() > _ROUNDING * np.abs(after).max())

    def cost(self, theta: Array) -> float:
        """C, without the penalty."""
        parameters = theta.astype(self.network.dtype)
        return self.examples.cost(partial(self.engine.cost, self.network.architecture, parameters))

    def gradient(self, theta: Array) -> Array:
        """dC/dtheta, without the penalty."""
        architecture, parameters = self.network.architecture, theta.astype(self.network.dtype)
        slope = self.examples.gradient(
            lambda X, T, weight: self.engine.gradient(architecture, parameters, X, T, weight, float(len(X)))
        )
        return slope.astype(np.float64)

    def _thresholded(self, theta: Array) -> Array:
        """Weights nearer to 0 by l1 / L, those that are nearer than that 0; biases as they are."""
        count = self.network.W[0].size
        W = theta[:count]
        return np.concatenate([np.sign(W) * np.maximum(np.abs(W) - self.l1 / self.curvature, 0), theta[count:]])
