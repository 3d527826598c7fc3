"""L-BFGS as a run: one update is one iteration of SciPy's descent on the whole objective, so one epoch too."""

from collections.abc import Generator

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines import Engine, RunState
from chainrule.equations import penalty
from chainrule.errors import EngineError
from chainrule.optimizers import LBFGS, Ended, iterates
from chainrule.settings import TrainingSettings
from chainrule.training.events import Reason

__all__ = ["LBFGSRun"]

Descent = Generator[tuple[Array, float], None, Ended]


class LBFGSRun:
    """A run (`engines.base.Run`) over any engine's cost and gradient; `ended` says how the descent ended, if it did.

    Its state is theta alone: set, the descent begins anew there, without the curvature that it had seen.
    """

    def __init__(
        self, engine: Engine, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float
    ) -> None:
        self._engine, self._architecture, self._theta, self._settings = engine, architecture, theta, settings
        self._divisor = divisor
        self._step, self._cost = 0, 0.0
        self._descent: Descent | None = None
        self.ended: Ended | None = None

    @property
    def state(self) -> RunState:
        """A copy of theta and the number of iterations."""
        return RunState(self._theta.copy(), np.empty((0, self._theta.size), self._theta.dtype), self._step)

    @state.setter
    def state(self, state: RunState) -> None:
        if state.theta.shape != self._theta.shape:
            raise EngineError(f"the state has theta of shape {state.theta.shape}, but the run has {self._theta.shape}")
        self.close()
        self._theta[...] = state.theta
        self._step = state.step

    @property
    def reason(self) -> Reason:
        """Why it ended: its bound of evaluations, if it has one, or because there was no lower to go."""
        rule, ended = self._settings.optimizer, self.ended
        bound = rule.evaluations if isinstance(rule, LBFGS) else 0
        return "evaluations" if bound and ended and not ended.success and ended.evaluations > bound else "converged"

    def close(self) -> None:
        """End the descent and its thread; the next `steps` begins another one."""
        if self._descent is not None:
            self._descent.close()
        self._descent = self.ended = None

    def steps(
        self, X: Array, T: Array, weight: Array | None, order: Array, rates: Array, epoch: int, first_batch: int
    ) -> Array:
        """One iteration over all rows that `order` names; no cost where the descent has ended.

        Returns the cost (1,) before the iteration, without penalty.
        """
        descent = self._descent = self._descent or self._begin(X, T, weight, order)
        before = self._cost
        try:
            theta, cost = next(descent)
        except StopIteration as stop:
            self.ended = stop.value
            return np.empty(0)
        self._theta[...] = theta
        self._cost = cost - self._penalty(self._theta)
        self._step += 1
        return np.array([before])

    def _begin(self, X: Array, T: Array, weight: Array | None, order: Array) -> Descent:
        """The descent from theta as it is, on the rows of `order`, in the order in which they lie."""
        if len(order) < len(X):
            rows = np.sort(order)
            X, T, weight = X[rows], T[rows], None if weight is None else weight[rows]
        s, kind = self._settings, self._theta.dtype

        def objective(theta: Array) -> tuple[float, Array]:
            parameters = theta.astype(kind)
            cost = self._engine.cost(self._architecture, parameters, X, T, weight) + self._penalty(parameters)
            g = self._engine.gradient(self._architecture, parameters, X, T, weight, self._divisor, s.alpha, s.l1)
            return cost, g

        self._cost = self._engine.cost(self._architecture, self._theta, X, T, weight)
        rule = s.optimizer if isinstance(s.optimizer, LBFGS) else LBFGS()
        return iterates(objective, self._theta, rule.memory, rule.tolerance, rule.reduction, rule.evaluations)

    def _penalty(self, theta: Array) -> float:
        s = self._settings
        W = [w.astype(np.float64) for w in self._architecture.views(theta)[0]]
        return float(penalty(W, s.alpha, s.l1, self._divisor))
