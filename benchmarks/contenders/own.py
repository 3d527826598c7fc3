"""chainrule, through the seam between training and an engine: nothing else is timed."""

from collections.abc import Callable

import numpy as np

import chainrule as cr
from benchmarks.workloads import BETA1, BETA2, EPS, Problem, Workload
from chainrule.engines import available, choose
from chainrule.settings import TrainingSettings

__all__ = ["ENGINE", "Training", "fit", "network", "norms", "predictor"]

ENGINE = available()[0]
HEADS = {
    "sigmoid_quadratic": ("sigmoid", "quadratic"),
    "softmax": ("softmax", "cross_entropy"),
    "sigmoid_binary": ("sigmoid", "binary_cross_entropy"),
    "identity": ("identity", "quadratic"),
}


def network(problem: Problem) -> cr.Network:
    """The problem's network."""
    w = problem.workload
    output, cost = HEADS[w.head]
    return cr.Network(w.sizes, w.hidden, output, cost, initializer=problem.theta, dtype=problem.theta.dtype)


def optimizer(w: Workload) -> cr.SGD | cr.Adam:
    """The workload's update rule."""
    if w.optimizer == "adam":
        return cr.Adam(w.rate, BETA1, BETA2, EPS)
    return cr.SGD(w.rate, momentum=0.9 if w.optimizer == "momentum" else 0.0)


class Training:
    """A run of the engine that auto asks first."""

    whole = False

    def __init__(self, problem: Problem, threads: int, engine: str = ENGINE) -> None:
        w = self._workload = problem.workload
        self._problem, self._net = problem, network(problem)
        settings = TrainingSettings(optimizer=optimizer(w), batch_size=w.batch, threads=threads)
        self._run = choose(engine, self._net.architecture, settings).start(
            self._net.architecture, self._net.theta, settings, float(len(problem.X))
        )
        self._first = self._run.state
        self._rates = np.full(w.updates, w.rate)

    def reset(self) -> None:
        self._run.state = self._first

    def steps(self, order: np.ndarray) -> None:
        batch, done, wanted = self._workload.batch, 0, len(order) // self._workload.batch
        while done < wanted:
            done += len(
                self._run.steps(
                    self._problem.X, self._problem.T, None, order[done * batch :], self._rates[: wanted - done], 0, done
                )
            )

    def theta(self) -> np.ndarray:
        return self._net.theta.copy()


def predictor(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """One row by the packed predictor."""
    net = network(problem)
    return net.predictor() if hasattr(net, "predictor") else lambda x: net.predict(x[None])


def norms(problem: Problem, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The lengths of the examples' gradients."""
    net = network(problem)
    return lambda X, T: net.example_gradients(X, T).norms()


def fit(problem: Problem, threads: int) -> Callable[[], object]:
    """One epoch by the public function: checks, order and events are counted."""
    w = problem.workload

    def epoch() -> None:
        cr.fit(network(problem), problem.X, problem.T, optimizer=optimizer(w), batch_size=w.batch, epochs=1)

    return epoch
