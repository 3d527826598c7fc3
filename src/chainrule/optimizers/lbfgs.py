"""L-BFGS: a descent made by SciPy, handed over one iterate at a time.

SciPy's minimizer calls back and cannot be left and entered again. So it runs in a thread of its own, and the two take
turns: the thread works only while the caller waits for the next iterate, the caller only while the thread waits.
"""

import contextvars
import dataclasses
import sys
import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.optimizers.base import Optimizer, Slots
from chainrule.registry import require

__all__ = ["LBFGS", "Ended", "iterates"]

Objective = Callable[[Array], tuple[float, Array]]


@dataclasses.dataclass(frozen=True)
class LBFGS(Optimizer):
    """L-BFGS: theta ← theta - t H g, where H comes from the last `memory` steps and changes of g, t from a line search.

    H is the inverse of the curvature as those pairs show it. Its gradients are of all rows, and an epoch is one
    iteration, which may take several of them. The line search tries t = 1 first, so learning_rate is 1 and no
    schedule applies; memory is from 1. There is no `update`: see `iterates`. It ends once max |dC/dtheta| <= tolerance,
    once an iteration lowers C by no more than `reduction` max(|C|, 1), or after so many evaluations of C (0: no bound).

    >>> LBFGS(memory=20).memory
    20

    Source: Byrd, Lu, Nocedal & Zhu, A limited memory algorithm for bound constrained optimization, SIAM Journal on
    Scientific Computing 16, 1995, as SciPy has it (L-BFGS-B), without bounds.
    """

    name = "lbfgs"
    full_batch: ClassVar[bool] = True
    learning_rate: float = 1.0
    memory: int = 10
    tolerance: float = 1e-5
    reduction: float = 0.0
    evaluations: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.learning_rate == 1, "learning_rate of lbfgs", self.learning_rate, "1: a line search finds the step"
        )
        for name, least in (("memory", 1), ("evaluations", 0)):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)
            require(whole, f"{name} of lbfgs", value, f"a whole number from {least}")
            object.__setattr__(self, name, int(value))
        require(self.tolerance >= 0, "tolerance of lbfgs", self.tolerance, "at least 0")
        require(self.reduction >= 0, "reduction of lbfgs", self.reduction, "at least 0")

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        """Raises SettingError: one gradient is not enough for a step of L-BFGS."""
        raise SettingError("lbfgs has no single update: it takes several gradients of all rows for a step")


class Ended(NamedTuple):
    """How a descent ended: whether it converged, SciPy's words, and how often f was called."""

    success: bool
    message: str
    evaluations: int


def iterates(
    f_and_gradient: Objective,
    theta0: Array,
    memory: int = 10,
    tolerance: float = 1e-5,
    reduction: float = 0.0,
    evaluations: int = 0,
) -> Generator[tuple[Array, float], None, Ended]:
    """Descend by L-BFGS from theta0 (flat): a generator of (theta, cost) after each iteration, which returns `Ended`.

    `f_and_gradient` takes theta and returns C and dC/dtheta; theta is float64 whatever theta0 is, because SciPy works
    in it. The descent ends once max |dC/dtheta| <= tolerance, once an iteration lowers C by no more than `reduction`
    max(|C|, 1) (0: to rounding), or after the one in which C has been computed `evaluations` times (0: no bound).

    >>> [round(cost, 9) for theta, cost in iterates(lambda v: (v @ v, 2 * v), np.array([3.0, 4.0]))]
    [16.0, 0.0]

    f runs in a thread of its own, in the caller's context (`np.errstate`), and only while the caller waits. What it
    raises comes out here. Leaving (close, garbage collection, Ctrl-C) ends the thread, after the call of f in progress.
    """
    descent = _Descent(
        f_and_gradient, np.array(theta0, dtype=np.float64), _options(memory, tolerance, reduction, evaluations)
    )
    try:
        while not isinstance(found := descent.resume(), Ended):
            yield found
        return found
    finally:
        descent.close()


def _options(memory: int, tolerance: float, reduction: float, evaluations: int) -> dict[str, Any]:
    """The settings in SciPy's words."""
    most = {"maxiter": sys.maxsize, "maxfun": evaluations or sys.maxsize}
    return {"maxcor": memory, "gtol": tolerance, "ftol": reduction, **most}


class _Left(BaseException):
    """Unwinds SciPy's loop when the caller has left."""


class _Descent:
    """SciPy's loop in a daemon thread that moves only within `resume` (or ends, within `close`)."""

    def __init__(self, f: Objective, theta: Array, options: dict[str, Any]) -> None:
        self._f, self._left, self._evaluations = f, False, 0
        self._go: SimpleQueue[None] = SimpleQueue()
        self._told: SimpleQueue[tuple[Array, float] | Ended | BaseException] = SimpleQueue()
        work = (contextvars.copy_context().run, (self._work, theta, options))
        self._thread = threading.Thread(target=work[0], args=work[1], name="chainrule-lbfgs", daemon=True)
        self._thread.start()

    def resume(self) -> tuple[Array, float] | Ended:
        """Let the thread work until it has the next iterate, or the end."""
        self._go.put(None)
        told = self._told.get()
        if isinstance(told, BaseException):
            raise told
        return told

    def close(self) -> None:
        """End the thread; when the interpreter itself ends, no thread runs any more."""
        self._left = True
        self._go.put(None)
        if not sys.is_finalizing():
            self._thread.join()

    def _work(self, theta: Array, options: dict[str, Any]) -> None:
        try:
            from scipy.optimize import minimize

            self._wait()
            end = minimize(self._evaluate, theta, method="L-BFGS-B", jac=True, callback=self._tell, options=options)
            self._told.put(Ended(bool(end.success), str(end.message), self._evaluations))
        except _Left:
            pass
        except BaseException as error:
            self._told.put(error)

    def _wait(self) -> None:
        self._go.get()
        if self._left:
            raise _Left

    def _evaluate(self, theta: Array) -> tuple[float, Array]:
        if self._left:
            raise _Left
        self._evaluations += 1
        cost, gradient = self._f(theta)
        return float(cost), np.array(gradient, dtype=np.float64)

    def _tell(self, intermediate_result: Any) -> None:
        self._told.put((intermediate_result.x.copy(), float(intermediate_result.fun)))
        self._wait()
