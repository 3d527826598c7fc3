"""The result of a descent: SciPy's OptimizeResult with the path, the history and their plots."""

import os
from collections.abc import Callable
from typing import Any

from scipy.optimize import OptimizeResult

from chainrule.arrays import Array
from chainrule.descent.loop import CONVERGED, SADDLE, Descent

__all__ = ["Result", "result_of"]

_LONG = ("path", "path_steps", "path_costs", "history")


class Result(OptimizeResult):  # type: ignore[misc]  # SciPy has no types
    """The minimum, and the way to it.

    - x, fun, jac: the point, its cost, and dC/dv at it; x and jac have the form of v0.
    - success, status, message: whether it converged. Without success x is the best point so far. status is 0 for
      converged, 1 for max_steps, 2 for not finite, 3 for cancelled, 4 if the rule cannot continue, 5 for a saddle point
      or a maximum, 6 for a cost that falls without bound.
    - nit, nfev, njev: the number of updates, of calls of f, and of calls of its gradient.
    - gradient: the method that computed dC/dv, in words.
    - path, path_steps, path_costs: at most 10,000 points from the first to the last, (k, ...) with the shape of v0, or
      (k, n) if v0 is a tuple; the number of updates before each point; their costs.
    - history: the costs and learning rates, as in training.
    """

    _cost: Callable[[Array], float] | None = None
    _name: Callable[[int], str] | None = None

    def plot(self, path: str | os.PathLike[str] | None = None, names: tuple[str, ...] | None = None) -> Any:
        """A matplotlib Figure: the path on contours for two variables, on the curve for one; else the cost over steps.

        - path: the file to write, .png, .svg or .pdf; None writes no file.
        - names: the names of the variables; None for those of the parameters of f.

        Raises SettingError where matplotlib is missing, or where the path has another suffix.
        """
        from chainrule.plots import descent_figure, write_figure

        points = self.path.reshape(len(self.path), -1)
        if names is None and self._name is not None and points.shape[1] <= 2:
            names = tuple(map(self._name, range(points.shape[1])))
        figure = descent_figure(points, self.path_steps, self.path_costs, self._cost, names)
        if path is not None:
            write_figure(figure, path)
        return figure

    def _repr_html_(self) -> str:
        from chainrule.plots import lines_svg

        return lines_svg({"cost": (list(self.path_steps), list(self.path_costs))}, "step", self.message)

    def __repr__(self) -> str:
        return repr(OptimizeResult({key: value for key, value in self.items() if key not in _LONG}))

    def __reduce__(self) -> Any:
        return Result, (dict(self),)  # without the cost function, which may not be picklable


def result_of(descent: Descent) -> Result:
    """The result of a descent that has ended or is not continued."""
    arguments, path, history = descent.problem.arguments, descent.path, descent.history
    point = descent.last if descent.status in (CONVERGED, SADDLE) else descent.best or descent.last
    assert point is not None, "the starting point was evaluated"
    result = Result(
        x=arguments.split(point.theta.copy()),
        fun=point.cost,
        jac=arguments.split(point.gradient.copy()),
        success=descent.status == CONVERGED,
        status=descent.status,
        message=f"{history.message} (gradient: {descent.problem.how})",
        nit=descent.steps,
        nfev=descent.problem.nfev,
        njev=descent.problem.njev,
        gradient=descent.problem.how,
        path=arguments.path(path.points),
        path_steps=path.steps,
        path_costs=path.costs,
        history=history,
    )
    object.__setattr__(result, "_cost", descent.problem.value)
    object.__setattr__(result, "_name", descent.problem.name)
    return result
