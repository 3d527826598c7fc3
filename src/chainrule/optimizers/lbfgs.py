"""L-BFGS: a step along -H g, where H estimates the inverse Hessian from the last steps and changes of g."""

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.fields import Whole
from chainrule.optimizers.base import Ending, Objective, Optimizer, Point, Slots
from chainrule.registry import require

__all__ = ["LBFGS", "direction"]

ARMIJO, CURVATURE = 1e-3, 0.9  # c1 and c2 of the strong Wolfe conditions, as in L-BFGS-B
PRECISION, MAX_STEP = 0.1, 1e10  # the relative width at which the search in a bracket stops; the largest t
MAX_POINTS = 20  # in one line search
NEAR = 1e-8  # of max|theta|: the least step whose change of g is a curvature
ROUNDING = 16 * float(np.finfo(np.float64).eps)  # of C, relative: that of a pairwise sum of 2^16 costs

Pairs = Sequence[tuple[Array, Array]]  # s = a step of theta and y = the change of g along it, the oldest pair first


@dataclasses.dataclass(frozen=True)
class LBFGS(Optimizer):
    """L-BFGS: theta ← theta - t H g, where H comes from the last `memory` steps and changes of g, t from a line search.

    Gradients are over all rows. An epoch is one update, which computes C and dC/dtheta once or several times. The line
    search tries t = 1 first, so learning_rate is 1 and there is no schedule. The slots are the `memory` steps s, oldest
    first, and then the changes y of g; missing pairs are 0.

    - learning_rate: 1.
    - memory: the number of pairs of s and y, from 1.
    - tolerance: converged when max |dC/dtheta| is at most this, from 0.
    - reduction: converged when an update lowers C by at most `reduction` max(|C|, 1), from 0.
    - evaluations: stop when C has been computed more often than this, from 0; 0 for no limit.

    It has also converged when no point along the line is lower, or none is finite: theta is then at the border of the
    region where C is defined.

    >>> LBFGS(memory=20).slots
    40

    Raises SettingError for a parameter out of range.

    Source: Nocedal & Wright, Numerical Optimization, 2nd edition, 2006, algorithms 7.4 and 7.5 and equation 7.20. The
    line search is SciPy's, of Moré & Thuente, Line search algorithms with guaranteed sufficient decrease, ACM
    Transactions on Mathematical Software 20, 1994. Its constants, a first step of length 1, and pairs left out where
    s·y <= 2.2e-16 y·y make the steps those of L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995) without bounds, to rounding.
    """

    name = "lbfgs"
    full_batch: ClassVar[bool] = True
    line_search: ClassVar[bool] = True
    learning_rate: float = 1.0
    memory: int = 10
    tolerance: float = 1e-5
    reduction: float = 0.0
    evaluations: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.learning_rate == 1, "learning_rate of lbfgs", self.learning_rate, "1: a line search sets the step")
        for name, least in (("memory", 1), ("evaluations", 0)):
            object.__setattr__(self, name, Whole(least).clean(f"{name} of lbfgs", getattr(self, name)))
        require(self.tolerance >= 0, "tolerance of lbfgs", self.tolerance, "at least 0")
        require(self.reduction >= 0, "reduction of lbfgs", self.reduction, "at least 0")

    @property
    def slots(self) -> int:
        return 2 * self.memory

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        """Raises SettingError: one gradient is not enough for a step of L-BFGS."""
        raise SettingError("lbfgs has no single update: it takes several gradients of all rows for a step")

    def search(
        self, objective: Objective, here: Point, slots: Slots, evaluations: int = 0, tolerance: float | None = None
    ) -> tuple[Point, Slots] | Ending:
        """One iteration in float64; theta keeps its type, and the objective gets every point in this type.

        Where no point along -H g is lower, the search drops all pairs and tries -g. Where C or g is not finite, the
        update is theta - g, which is not finite either.
        """
        here = here._replace(gradient=here.gradient.astype(np.float64))
        if not _is_finite(here):
            return here._replace(theta=(here.theta - here.gradient).astype(here.theta.dtype)), slots
        ending = self._ending(here, evaluations, self.tolerance if tolerance is None else tolerance)
        if ending:
            return ending
        pairs = _pairs(slots)
        p = direction(here.gradient, pairs)
        lower, line = _lower(objective, here, p)
        if lower is None and pairs:
            slots = (np.zeros_like(here.theta),) * self.slots
            lower, line = _lower(objective, here, direction(here.gradient, []))
        if lower is None and line.at_border:
            return Ending("converged", "the cost or its gradient is not finite along the line of the search", True)
        if lower is None:
            precise = _is_rounding(here, p if pairs else line.to_minimum())
            return Ending("converged", "converged: the cost no longer falls, up to rounding", is_precise=precise)
        gain = here.cost - lower.cost
        if gain <= self.reduction * max(abs(here.cost), 1):
            return Ending("converged", f"converged: an update lowers the cost only by {gain:.2g}")
        return lower, self._with_pair(slots, here, lower)

    def _ending(self, here: Point, evaluations: int, tolerance: float) -> Ending | None:
        """Why no search is needed or allowed, or None."""
        steepest = np.abs(here.gradient).max()
        if steepest <= tolerance:
            return Ending("converged", f"converged: max|dC/dtheta| is {steepest:.2g} ≤ {tolerance:g}")
        if self.evaluations and evaluations > self.evaluations:
            return Ending("evaluations", f"the cost was computed {evaluations:,} times, which is more than allowed")
        return None

    def _with_pair(self, slots: Slots, before: Point, after: Point) -> Slots:
        """The slots with the pair of a step instead of the oldest pair, if its curvature is positive."""
        s = after.theta - before.theta
        y = (after.gradient - before.gradient).astype(s.dtype)
        if _dot(s, y) <= np.finfo(np.float64).eps * _dot(y, y):
            return slots
        return (*slots[1 : self.memory], s, *slots[self.memory + 1 :], y)


def direction(g: Array, pairs: Pairs) -> Array:
    """-H g by the two-loop recursion, with H_0 = s·y / y·y of the newest pair; -g / |g| without pairs.

    >>> s, y = np.array([1.0, 0.0]), np.array([4.0, 0.0])  # the curvature along s is 4
    >>> direction(np.array([8.0, 4.0]), [(s, y)])
    array([-2., -1.])
    """
    if not pairs:
        unit = g / np.abs(g).max()
        return -unit / np.sqrt(_dot(unit, unit))
    curvatures = [_dot(s, y) for s, y in pairs]
    q, weights = g, []
    for (s, y), sy in zip(reversed(pairs), reversed(curvatures), strict=True):
        weights.append(_dot(s, q) / sy)
        q = q - weights[-1] * y
    q = q * (curvatures[-1] / _dot(pairs[-1][1], pairs[-1][1]))
    for (s, y), sy, weight in zip(pairs, curvatures, reversed(weights), strict=True):
        q = q + (weight - _dot(y, q) / sy) * s
    return -q


def _pairs(slots: Slots) -> Pairs:
    """The pairs in the slots, in float64."""
    memory = len(slots) // 2
    pairs = zip(slots[:memory], slots[memory:], strict=True)
    return [(s.astype(np.float64), y.astype(np.float64)) for s, y in pairs if y.any()]


class _SearchEndError(Exception):
    """Ends a line search that has tried the maximum number of points."""


class _Line:
    """C(theta + t p) and its slope in t for a line search, with one call of the objective for each t.

    `inside` and `outside` say whether C was finite, and infinite, at a point other than theta; `near` is the nearest
    one that is far enough from theta for a curvature.
    """

    def __init__(self, objective: Objective, start: Point, p: Array) -> None:
        self._objective, self._start, self.p = objective, start, p
        self._t, self._tried, self.last, self.lowest = 0.0, 0, start, start
        self.inside = self.outside = False
        self.near = start

    def cost(self, t: float) -> float:
        """C at t; infinite if C or its gradient is not finite."""
        return self._at(t).cost

    def slope(self, t: float) -> float:
        """The derivative of C in t."""
        return _dot(self._at(t).gradient, self.p)

    def shorten(self) -> None:
        """Make p ten times shorter."""
        self.p, self._t = self.p / 10, np.nan

    @property
    def at_border(self) -> bool:
        """Whether the cost is infinite at every other point that was tried, however near."""
        return self.outside and not self.inside

    def to_minimum(self) -> Array:
        """The step along p to the minimum by the curvature between theta and `near`; infinite if it is not positive."""
        s = self.near.theta - self._start.theta
        curvature = _dot(s, self.near.gradient - self._start.gradient)
        return -s * (_dot(s, self._start.gradient) / curvature) if curvature > 0 else np.full_like(s, np.inf)

    def _keep_nearest(self, point: Point) -> None:
        far, kept = (float(np.abs(p.theta - self._start.theta).max()) for p in (point, self.near))
        if far >= NEAR * np.abs(self._start.theta).max() and (far < kept or not kept):
            self.near = point

    def _at(self, t: float) -> Point:
        if t != self._t:
            if self._tried == MAX_POINTS:
                raise _SearchEndError
            with np.errstate(all="ignore"):
                theta = (self._start.theta + t * self.p).astype(self._start.theta.dtype)
            cost, g = self._objective(theta)
            point = Point(theta, float(cost), np.array(g, dtype=np.float64))
            self._t, self._tried = t, self._tried + 1
            finite, moved = _is_finite(point), not np.array_equal(theta, self._start.theta)
            self.inside, self.outside = self.inside or (finite and moved), self.outside or not finite
            if finite and moved:
                self._keep_nearest(point)
            self.last = point if finite else point._replace(cost=np.inf)
            self.lowest = min(self.lowest, self.last, key=lambda point: point.cost)
        return self.last


def _lower(objective: Objective, here: Point, p: Array) -> tuple[Point | None, _Line]:
    """The point along p where the strong Wolfe conditions hold, else the lowest one tried; None if none is lower."""
    # Not public, but scikit-learn uses it too; the public `line_search` needs more evaluations for hard functions.
    from scipy.optimize._linesearch import line_search_wolfe1

    line, t = _Line(objective, here, p), None
    if not line.slope(0.0) < 0:
        return None, line
    with contextlib.suppress(_SearchEndError):
        while line.cost(1.0) == np.inf:
            line.shorten()
        start = {"gfk": _dot(here.gradient, line.p), "old_fval": here.cost}
        bounds = {"c1": ARMIJO, "c2": CURVATURE, "amin": 0.0, "amax": MAX_STEP, "xtol": PRECISION}
        t, *_ = line_search_wolfe1(line.cost, line.slope, 0.0, 1.0, **start, **bounds)
    point = line.lowest if t is None else line.last
    return (point if point.cost < here.cost else None), line


def _is_rounding(here: Point, p: Array) -> bool:
    """Whether the step p = -H g would change C or theta by less than their rounding.

    C(theta + p) = C + g·p + p·H⁻¹p / 2 = C - gᵀHg / 2 in the quadratic model. A sum of costs is right to about
    16 eps |C|: no line search resolves less. So |g| stays at about sqrt(32 eps |C| / H).
    """
    if not np.isfinite(p).all():
        return False
    if -_dot(here.gradient, p) / 2 <= ROUNDING * abs(here.cost):
        return True
    return bool((np.abs(p) <= ROUNDING * np.abs(here.theta)).all())


def _is_finite(point: Point) -> bool:
    return bool(np.isfinite(point.cost) and np.isfinite(point.gradient).all())


def _dot(a: Array, b: Array) -> float:
    """a·b, summed by NumPy itself, because the order of summation in BLAS depends on its threads."""
    with np.errstate(all="ignore"):
        return float(np.multiply(a, b, dtype=np.float64).sum())
