"""The run of a rule with a line search, which uses the cost and the gradient of any engine."""

import dataclasses

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines.base import Engine, RunState, check_lengths, check_order, check_rows, check_state
from chainrule.examples import taken
from chainrule.optimizers import Ending, Point
from chainrule.optimizers.base import Slots
from chainrule.settings import TrainingSettings

__all__ = ["LineSearchRun"]

Rows = tuple[Array, Array, Array | None]  # X, T and weights


class LineSearchRun:
    """A run (`base.Run`) that makes its updates with `Optimizer.search`.

    Cost and gradient at theta depend only on theta. So a run that is set to a state computes them again, without
    counting an evaluation, and continues with the same bits as without a stop.
    """

    def __init__(
        self, engine: Engine, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float
    ) -> None:
        self._engine, self._architecture, self._theta, self._settings = engine, architecture, theta, settings
        self._divisor = divisor
        self._slots = self._no_slots()
        self._step = self._evaluations = self._counted = 0
        self._arrays: Rows | None = None  # of the last call
        self._examples: Rows | None = None  # the rows of them that the order names
        self._rows = np.empty(0, dtype=np.int64)
        self._here: Point | None = None
        self.ended: Ending | None = None

    def _no_slots(self) -> Slots:
        return (np.zeros_like(self._theta),) * self._settings.optimizer.slots

    @property
    def state(self) -> RunState:
        """A copy of the state; setting it continues from this state. Without slots it starts without pairs."""
        return RunState(self._theta.copy(), np.array(self._slots), self._step, self._evaluations)

    @state.setter
    def state(self, state: RunState) -> None:
        if not len(state.slots):
            state = dataclasses.replace(state, slots=np.array(self._no_slots()))
        check_state(state, self._theta, len(self._slots))
        self._theta[...] = state.theta
        self._slots = tuple(state.slots.astype(self._theta.dtype))
        self._step, self._evaluations = state.step, state.evaluations
        self._here = self.ended = None

    def steps(
        self, X: Array, T: Array, weight: Array | None, order: Array, rates: Array, epoch: int, first_batch: int
    ) -> Array:
        """Make one update from the first batch, which in training has all rows; see `base.Run.steps`.

        Returns its cost (1,), or no cost if the run has ended.
        """
        m = self._settings.batch_size
        check_lengths(X, T, weight)
        check_order(order, len(rates), m)
        check_rows(order, X.shape[0])
        if not len(rates):
            return np.empty(0)
        self._set_examples(X, T, weight, order[:m])
        here = self._at_theta()
        self._counted = max(self._evaluations, 1)
        update = self._settings.optimizer.search(
            self._objective, here, self._slots, self._counted, self._settings.tolerance
        )
        if isinstance(update, Ending):
            self.ended = update
            return np.empty(0)
        self._here, self._slots = update
        self._theta[...] = self._here.theta
        self._step, self._evaluations = self._step + 1, self._counted
        return np.array([here.cost - self._penalty(here.theta)])

    def _at_theta(self) -> Point:
        """Cost and gradient at theta, from the last update unless theta has been changed since."""
        if self._here is None or not np.array_equal(self._here.theta, self._theta):
            self._here = Point(self._theta.copy(), *self._objective(self._theta))
        return self._here

    def _set_examples(self, X: Array, T: Array, weight: Array | None, order: Array) -> None:
        """Set the rows of `order`, in the order of X; skip if the arrays are the same objects as in the last call."""
        arrays, every = (X, T, weight), len(order) == X.shape[0]
        rows = order[:0] if every else np.sort(order)
        same = self._arrays is not None and all(a is b for a, b in zip(arrays, self._arrays, strict=True))
        if not (same and np.array_equal(rows, self._rows)):
            self._arrays, self._rows, self._here = arrays, rows, None
            self._examples = arrays if every else (taken(X, rows), T[rows], None if weight is None else weight[rows])

    def _objective(self, theta: Array) -> tuple[float, Array]:
        """C with its penalties, and dC/dtheta; counts one evaluation."""
        self._counted += 1
        assert self._examples is not None, "set before"
        s, (X, T, weight) = self._settings, self._examples
        cost = self._engine.cost(self._architecture, theta, X, T, weight) + self._penalty(theta)
        return cost, self._engine.gradient(self._architecture, theta, X, T, weight, self._divisor, s.alpha, s.l1)

    def _penalty(self, theta: Array) -> float:
        return self._architecture.penalty(theta, self._settings.alpha, self._settings.l1, self._divisor)
