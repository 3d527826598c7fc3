"""What a training records at the end of each epoch: its history, and the weights to go back to."""

import dataclasses
import math
import time
from functools import partial

from chainrule.arrays import Array
from chainrule.training.events import EpochEnd, Stopped
from chainrule.training.exposure import exposure, noise_of
from chainrule.training.history import History
from chainrule.training.problem import Problem
from chainrule.training.state import TrainingState

__all__ = ["Bookkeeping"]


class Bookkeeping:
    """The history of a training, and the weights to go back to.

    - history: costs, rates and scores of the finished epochs.
    - kept: theta of the best epoch where a validation set chooses. Otherwise theta at the start of the last epoch whose
      first cost was finite: the weights that are left where training diverges.
    """

    def __init__(self, problem: Problem) -> None:
        monitor = problem.monitor
        self._problem, self._began = problem, time.monotonic()
        self.kept = problem.net.theta.copy()
        self.history = History(
            cost=[],
            validation=[],
            metrics={name: [] for name in monitor.metrics},
            seed=problem.settings.seed or 0,
            engine=problem.engine.name,
            monitor=monitor.name,
            mode=monitor.mode or "min",
            noise=noise_of(problem),
            exposed=exposure(problem),
        )

    def go_to(self, state: TrainingState) -> None:
        """Take the kept weights and the history of a state, without its reason to stop and the probe of its end."""
        at_start = {name: values for name, values in state.history.probes.items() if name.startswith("start")}
        before, now = state.history, self.history
        exposed = before.exposed or now.exposed
        if before.noise != now.noise:
            exposed = "the noise changed in the course of it"
        self.history = dataclasses.replace(before.copy(), stopped="", message="", probes=at_start, exposed=exposed)
        self.kept = state.kept.copy()

    @property
    def seconds(self) -> float:
        """The time since training was started or resumed."""
        return time.monotonic() - self._began

    def keep_if_good(self, theta: Array, cost: float) -> None:
        """Keep theta as it was when an epoch began, if its first cost is finite and no validation set chooses."""
        if not self._problem.chooses_weights and math.isfinite(cost):
            self.kept = theta

    def end_epoch(self, epoch: int, cost: float, rate: float) -> EpochEnd:
        """Score the validation set, enter the epoch in the history, and keep its weights if they are the best."""
        history, (validation, metrics) = self.history, self._scores()
        history.cost.append(cost)
        history.rate.append(rate)
        if validation is not None:
            history.validation.append(validation)
        for name, value in metrics.items():
            history.metrics[name].append(value)
        best = self._keep_if_best(epoch)
        return EpochEnd(epoch, cost, metrics, validation, best, self.seconds)

    def _keep_if_best(self, epoch: int) -> bool:
        """Whether no earlier epoch was better; without a validation set that chooses, every epoch is the best."""
        chooses = self._problem.chooses_weights
        if chooses and not self._is_best():
            return False
        self.history.best_epoch = epoch
        if chooses:
            self.kept = self._problem.net.theta.copy()
        return True

    def _is_best(self) -> bool:
        """Whether the last monitored value is finite and lower than that of the best epoch so far."""
        watched, best = self.history.watched, self.history.best_epoch
        return math.isfinite(watched[-1]) and (best < 0 or watched[-1] < watched[best])

    def _scores(self) -> tuple[float | None, dict[str, float]]:
        """The cost and the metrics on the validation set, if there is one; host 0 computes them for all."""
        cost, metrics = self._problem.link.share(self._own_scores) if self._problem.validation else (None, {})
        return cost, metrics

    def _own_scores(self) -> tuple[float | None, dict[str, float]]:
        """The same by this host."""
        problem = self._problem
        validation, monitor, engine, net = problem.scored, problem.monitor, problem.engine, problem.net
        if validation is None:
            return None, {}
        network = net.architecture, net.theta
        cost = validation.cost(partial(engine.cost, *network))
        if not monitor.metrics:
            return cost, {}
        return cost, monitor.scores(validation.outputs(partial(engine.predict, *network)), validation.T)

    def stop(self, stopped: Stopped) -> None:
        """Enter why training stops early."""
        self.history.stopped, self.history.message = stopped.reason, stopped.message

    def restore(self) -> None:
        """Bring the kept weights back where training diverged, or where a validation set has chosen them."""
        if self.history.stopped == "diverged" or (self._problem.chooses_weights and self.history.best_epoch >= 0):
            self._problem.net.theta[...] = self.kept

    def finish(self) -> None:
        """Enter the time that training took."""
        self.history.seconds += self.seconds
