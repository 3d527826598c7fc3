"""The updates of an epoch: calls of the engine of about 0.1 seconds, cut at borders between batches."""

import time
from collections.abc import Sequence

import numpy as np

from chainrule.arrays import exact_sum
from chainrule.hosts import sharded_order
from chainrule.training.problem import Problem
from chainrule.training.state import TrainingState

__all__ = ["Updates"]

CALL_SECONDS = 0.1  # about the time of one call of the engine; between calls the caller sees progress and may stop


class Updates:
    """The updates of the epoch in progress, and where they are.

    - epoch: the number of the epoch, from 0.
    - costs: c_k of its batches so far, each before its update.
    - run: the engine's run, with theta, slots and the number of updates.
    """

    def __init__(self, problem: Problem) -> None:
        net, settings = problem.net, problem.settings
        self._problem = problem
        self.epoch, self.costs = 0, np.empty(0)
        self._cost: float | None = None  # of these costs, once it was asked for
        self.run = problem.engine.start(net.architecture, net.theta, settings, problem.divisor)
        self._factors = settings.schedule.follow()
        self._rates, self._order, self._per_call = np.empty(0), np.empty(0), 1

    def go_to(self, state: TrainingState) -> None:
        """Put the run where a state is."""
        self.run.state = state.run
        self.epoch, self.costs, self._cost = state.epoch, state.costs.copy(), None

    def begin(self, watched: Sequence[float]) -> None:
        """Set the learning rates and the order of the rows; `watched` is what the schedule may depend on."""
        p, s, count = self._problem, self._problem.settings, self._problem.batches
        factors = self._factors(self.epoch * count, count, count, s.epochs * count, watched)
        self._rates = s.optimizer.learning_rate * factors
        self._order = sharded_order(s.seed or 0, self.epoch, p.examples.rows, s.shards or 1, s.batch_size, s.shuffle)

    def next_epoch(self) -> None:
        """Go to the next epoch, before its first update."""
        self.epoch, self.costs, self._cost = self.epoch + 1, np.empty(0), None

    @property
    def begun(self) -> bool:
        """Whether the epoch has made an update."""
        return len(self.costs) > 0

    @property
    def done(self) -> bool:
        """Whether the epoch has made all its updates."""
        return len(self.costs) == self._problem.batches

    @property
    def rate(self) -> float:
        """The learning rate of the last update."""
        return float(self._rates[len(self.costs) - 1])

    @property
    def cost(self) -> float:
        """sum_k |B_k| c_k / n over the batches so far, where only an epoch's last may be shorter than m."""
        if self._cost is None:
            n, m, k = len(self._problem.examples.rows), self._problem.settings.batch_size, len(self.costs)
            sizes = np.full(k, m)
            sizes[-1:] = min(m, n - m * (k - 1))
            with np.errstate(over="ignore"):
                self._cost = exact_sum(self.costs * sizes) / max(min(n, m * k), 1)
        return self._cost

    @property
    def objective(self) -> float:
        """The cost with the penalty of the current weights."""
        return self.cost + self._problem.penalty(self._problem.net.theta)

    def next_count(self, most: int | None = None) -> int:
        """How many updates the next call of the engine makes, at most `most`: about a tenth of a second."""
        left = self._problem.batches - len(self.costs)
        at_once = max(1, self._problem.taken.rows_at_once // self._problem.settings.batch_size)
        return min(self._per_call, left, at_once, left if most is None else most)

    def make(self, count: int) -> None:
        """Make the next updates, at most `count`: one call of the engine."""
        examples, m, at = self._problem.taken, self._problem.settings.batch_size, len(self.costs)
        began = time.monotonic()
        X, T, weight, rows = examples.located(self._order[at * m : (at + count) * m])
        with self._problem.link.explained():
            costs = self.run.steps(X, T, weight, rows, self._rates[at : at + count], self.epoch, at)
        self.costs, self._cost = np.concatenate([self.costs, costs]), None
        self._set_pace(len(costs), time.monotonic() - began)

    def _set_pace(self, updates: int, seconds: float) -> None:
        """Set how many updates the next call makes; no bit depends on it."""
        self._per_call = max(1, min(2 * self._per_call, int(updates * CALL_SECONDS / max(seconds, 1e-9))))
