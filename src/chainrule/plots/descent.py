"""Plots the path of a descent: on contours for two variables, on the curve for one, as cost over steps for more."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.plots.figures import ACCENT, COLOURS, log_scale, new_figure

__all__ = ["descent_figure"]

Cost = Callable[[Array], float]

_GRID = 120  # points along each side of the grid for contours
_LEVELS = 18
_SHADES = "Blues_r"


def descent_figure(
    points: Array, steps: Sequence[int], costs: Array, cost: Cost | None = None, names: Sequence[str] | None = None
) -> Any:
    """A matplotlib Figure of the points (k, n) of a descent after `steps` updates, with their costs (k,).

    cost: a function for C at a point (n,), for contours and curve. Without it, and for more than two variables, the
    figure shows only the cost over steps.
    """
    n = points.shape[1]
    names = tuple(names or (("v",) if n == 1 else [f"v{i + 1}" for i in range(n)]))
    finite = np.isfinite(points).all(axis=1) & np.isfinite(costs)
    if cost is None or n > 2 or not finite.any():
        figure, (axes,) = new_figure([1.0])
        _convergence(axes, steps, costs)
        return figure
    figure, (left, right) = new_figure([1.5, 1.0], width=10.0)
    (_contours if n == 2 else _curve)(left, points[finite], costs[finite], cost, names)
    _convergence(right, steps, costs)
    return figure


def _window(values: Array, share: float = 0.18) -> tuple[float, float]:
    """The range of the values with a margin; wider than 0 if all values are equal."""
    low, high = float(values.min()), float(values.max())
    margin = share * (high - low) or 0.5 * max(1.0, abs(low))
    return low - margin, high + margin


def _contours(axes: Any, points: Array, costs: Array, cost: Cost, names: Sequence[str]) -> None:
    import matplotlib as mpl
    from matplotlib.colors import BoundaryNorm

    (x0, x1), (y0, y1) = (_window(points[:, k]) for k in (0, 1))
    width, height = (x1 - x0) / 2, (y1 - y0) / 2
    least = 0.3 * max(width, height)  # so that a path along an axis still has some space on both sides
    x0, x1 = (x0, x1) if width >= least else (x0 - least + width, x1 + least - width)
    y0, y1 = (y0, y1) if height >= least else (y0 - least + height, y1 + least - height)
    x, y = np.linspace(x0, x1, _GRID), np.linspace(y0, y1, _GRID)
    Z = np.array([[cost(np.array([a, b])) for a in x] for b in y])
    levels = _levels(Z, float(costs.min()))
    if len(levels) > 1:
        norm = BoundaryNorm(levels, mpl.colormaps[_SHADES].N, extend="both")
        axes.contourf(x, y, np.ma.masked_invalid(Z), levels, cmap=_SHADES, norm=norm, extend="both", alpha=0.85)
        axes.contour(x, y, np.ma.masked_invalid(Z), levels, colors="white", linewidths=0.5, alpha=0.7)
    axes.grid(visible=False)
    _path(axes, points, dots=len(points) <= 60)
    axes.set(xlabel=names[0], ylabel=names[1], xlim=(x0, x1), ylim=(y0, y1))


def _levels(Z: Array, lowest: float) -> Array:
    """Costs at geometrically growing distances from the lowest one, so that a flat valley and its walls are visible."""
    finite = Z[np.isfinite(Z)]
    if not finite.size or finite.max() <= finite.min():
        return np.empty(0)
    low = min(lowest, float(finite.min()))
    above = finite[finite > low] - low
    first = max(float(np.quantile(above, 0.01)), float(above.max()) * 1e-6)
    levels = low + np.geomspace(first, float(np.quantile(above, 0.98)), _LEVELS)
    return np.unique(levels)


def _path(axes: Any, points: Array, dots: bool, linewidth: float = 1.5) -> None:
    marks = {"marker": "o" if dots else None, "markersize": 4.5, "markeredgecolor": "white", "markeredgewidth": 0.6}
    axes.plot(*points.T, color=ACCENT, linewidth=linewidth, label="path", **marks)
    start = {"markersize": 8, "markerfacecolor": "white", "markeredgecolor": ACCENT, "markeredgewidth": 1.6}
    axes.plot(*points[0], "o", linestyle="none", label="start", **start)
    end = {"color": ACCENT, "markeredgecolor": "white", "markersize": 15}
    axes.plot(*points[-1], "*", linestyle="none", label="end", zorder=5, clip_on=False, **end)
    axes.legend(frameon=True, framealpha=0.9, edgecolor="none", fontsize=9)


def _curve(axes: Any, points: Array, costs: Array, cost: Cost, names: Sequence[str]) -> None:
    low, high = _window(points[:, 0], share=0.6)
    v = np.linspace(low, high, 4 * _GRID)
    values = np.array([cost(np.array([value])) for value in v])
    axes.plot(v, np.where(np.isfinite(values), values, np.nan), color=COLOURS[0], linewidth=1.8, label="C")
    _path(axes, np.stack([points[:, 0], costs], axis=1), dots=True, linewidth=0.9)
    axes.set(xlabel=names[0], ylabel="cost", xlim=(low, high))


def _convergence(axes: Any, steps: Sequence[int], costs: Array) -> None:
    shown = np.where(np.isfinite(costs), costs, np.nan)
    axes.plot(steps, shown, color=COLOURS[0], linewidth=1.6)
    log_scale(axes, costs[np.isfinite(costs)].tolist())
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="step", ylabel="cost")
