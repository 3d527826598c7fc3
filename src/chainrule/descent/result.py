"""The result of a descent: SciPy's OptimizeResult, with the path, the history, and their pictures."""

import os
from collections.abc import Callable
from typing import Any

from scipy.optimize import OptimizeResult

from chainrule.arrays import Array
from chainrule.descent.loop import CONVERGED, Descent

__all__ = ["Result", "result_of"]

_LONG = ("path", "path_steps", "path_costs", "history")


class Result(OptimizeResult):  # type: ignore[misc]  # SciPy has no types
    """The minimum, and how it was reached.

    - x, fun, jac: the point, its cost, and dC/dv there; x and jac have the form of v0.
    - success, status, message: whether it converged. Without success x is the best point seen. status is 0 for
      converged, 1 for max_steps, 2 for not finite, 3 for cancelled, 4 where the rule came to its end.
    - nit, nfev, njev: the numbers of updates, of calls of f, and of calls of its gradient.
    - gradient: in words, how dC/dv was computed.
    - path, path_steps, path_costs: at most 10,000 points from the first to the last, (k, ...) with the shape of v0, or
      (k, n) where v0 is a tuple; the updates before each; their costs.
    - history: the costs and rates, as of a training.
    """

    _cost: Callable[[Array], float] | None = None

    def plot(self, path: str | os.PathLike[str] | None = None, names: tuple[str, ...] | None = None) -> Any:
        """A matplotlib Figure: contours and path of two variables, the curve of one, the cost over steps of more.

        - path: where to write it, as .png, .svg or .pdf; None writes nothing.
        - names: what to call the variables.

        Raises SettingError where matplotlib is missing, or where the path has another end.
        """
        from chainrule.plots import descent_figure, write_figure

        points = self.path.reshape(len(self.path), -1)
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
        return Result, (dict(self),)  # the function may be one that cannot be pickled


def result_of(descent: Descent) -> Result:
    """The result of a descent that has ended, or that nobody follows any further."""
    form, path, history = descent.problem.form, descent.path, descent.history
    point = descent.last if descent.status == CONVERGED else descent.best or descent.last
    assert point is not None, "there is a first look"
    result = Result(
        x=form.split(point.theta.copy()),
        fun=point.cost,
        jac=form.split(point.gradient.copy()),
        success=descent.status == CONVERGED,
        status=descent.status,
        message=f"{history.message} (gradient: {descent.problem.how})",
        nit=descent.steps,
        nfev=descent.problem.nfev,
        njev=descent.problem.njev,
        gradient=descent.problem.how,
        path=form.path(path.points),
        path_steps=path.steps,
        path_costs=path.costs,
        history=history,
    )
    object.__setattr__(result, "_cost", descent.problem.value)
    return result
