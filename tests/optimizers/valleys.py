"""Functions to descend on, as data, and how many steps each optimizer takes down Rosenbrock's valley.

`python -m tests.optimizers.valleys` prints the table: for each rule the learning rate, among 1, 2 and 5 times powers of
10, that brings C to the goal and keeps it there after the fewest steps.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    Ending,
    Lion,
    Muon,
    NAdam,
    Point,
    RMSProp,
    RProp,
    ScheduleFree,
)


class Valley(NamedTuple):
    """A function of two numbers, its gradient, where to start, and its lowest point."""

    f: Callable[[np.ndarray], float]
    gradient: Callable[[np.ndarray], np.ndarray]
    start: tuple[float, float]
    lowest: tuple[float, float]


def _rosenbrock(v):
    x, y = v
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def _rosenbrock_gradient(v):
    x, y = v
    return np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


_BEALE = [(1.5, 1), (2.25, 2), (2.625, 3)]


def _beale(v):
    x, y = v
    return sum((c - x * (1 - y**k)) ** 2 for c, k in _BEALE)


def _beale_gradient(v):
    x, y = v
    errors = [(c - x * (1 - y**k), y, k) for c, k in _BEALE]
    return np.array(
        [sum(-2 * e * (1 - y**k) for e, y, k in errors), sum(2 * e * x * k * y ** (k - 1) for e, y, k in errors)]
    )


VALLEYS = {
    "parabola": Valley(
        lambda v: v[0] ** 2 / 2 + 2 * v[1] ** 2, lambda v: np.array([v[0], 4 * v[1]]), (3.0, -2.0), (0.0, 0.0)
    ),
    "rosenbrock": Valley(_rosenbrock, _rosenbrock_gradient, (-1.2, 1.0), (1.0, 1.0)),
    "beale": Valley(_beale, _beale_gradient, (1.0, 1.0), (3.0, 0.5)),
}

# The rules as they go down, each with rates for: parabola, Rosenbrock, Beale, the noisy sum.
RATES = {
    SGD(): (0.1, 1e-3, 0.02, 0.2),
    SGD(momentum=0.9): (0.05, 5e-4, 0.01, 0.02),
    SGD(momentum=0.9, nesterov=True): (0.05, 1e-3, 0.01, 0.02),
    RMSProp(): (1e-3, 1e-3, 0.01, 0.1),
    Adam(): (0.1, 0.02, 0.1, 0.1),
    AdamW(weight_decay=0.0): (0.1, 0.02, 0.1, 0.1),
    ScheduleFree(): (0.1, 0.02, 0.1, 0.1),
    AMSGrad(): (0.1, 0.02, 0.1, 0.1),
    NAdam(): (0.1, 0.02, 0.1, 0.1),
    Adagrad(): (0.5, 0.5, 0.5, 10.0),
    Lion(): (4e-4, 1e-3, 1e-3, 0.05),
    Muon(adam_rate=0.07): (1.0, 1.0, 1.0, 1.0),
    RProp(): (0.1, 0.01, 0.1, 0.1),
    LBFGS(tolerance=0.0): (1.0, 1.0, 1.0, 1.0),
}


def with_rate(rule: Any, rate: float) -> Any:
    """The same rule at another learning rate."""
    return OPTIMIZERS.get(rule.document() | {"learning_rate": rate})


def descend(rule: Any, gradient: Callable[..., np.ndarray], start: Any, factors: Any = None) -> Iterator[np.ndarray]:
    """theta after each update, for ever; `factors` is what a schedule gives for update k."""
    theta = np.array(start, dtype=np.float64)
    slots = (np.zeros_like(theta),) * rule.slots
    for k in itertools.count():
        eta = rule.learning_rate * (1.0 if factors is None else factors(k))
        g = gradient(rule.gradient_at(theta, slots))
        theta, slots = rule.update(theta, g, slots, eta, k + 1)
        yield theta


def searches(rule: Any, objective: Callable[[np.ndarray], Any], start: Any) -> Iterator[Point]:
    """The point after each update by a rule with a line search, until there is no further one."""
    theta = np.array(start, dtype=np.float64)
    update: Any = Point(theta, *objective(theta)), (np.zeros_like(theta),) * rule.slots
    while not isinstance(update := rule.search(objective, *update), Ending):
        yield update[0]


def path(rule: Any, valley: Valley) -> Iterator[np.ndarray]:
    """The points of a descent, after the start."""
    if rule.line_search:
        yield from (point.theta for point in searches(rule, lambda v: (valley.f(v), valley.gradient(v)), valley.start))
    else:
        yield from descend(rule, valley.gradient, valley.start)


STAYS = 100  # steps that C has to stay below a goal, so that flying through does not count


def steps_to(goal: float, rule: Any, valley: Valley, most: int) -> int | None:
    """How many steps until C <= goal and stays so; None if it leaves for infinity or takes more than `most`."""
    reached = None
    with np.errstate(all="ignore"):
        for k, theta in enumerate(itertools.islice(path(rule, valley), most + STAYS), start=1):
            cost = valley.f(theta)
            reached = (reached or k) if cost <= goal else None
            late = reached is None and k >= most
            if late or not math.isfinite(cost) or (reached is not None and k >= reached + STAYS):
                return reached
    return reached


GRID = [digit * 10.0**power for power in range(-5, 1) for digit in (1, 2, 5)]


def best_rate(goal: float, rule: Any, valley: Valley, most: int = 30_000) -> tuple[int, float] | None:
    """The fewest steps of all learning rates of the grid, and that rate."""
    found: list[tuple[int, float]] = []
    for rate in GRID if not rule.line_search else [1.0]:
        steps = steps_to(goal, with_rate(rule, rate), valley, min([most, *(s for s, _ in found)]))
        found += [] if steps is None else [(steps, rate)]
    return min(found, default=None)


def words(rule: Any) -> str:
    """A rule as a test's name and a row's: its name and what is not the default, but for the rate."""
    usual = type(rule)()
    told = [
        f"{k} {v}" for k, v in rule.document().items() if k not in ("name", "learning_rate") and v != getattr(usual, k)
    ]
    return " ".join([rule.name, *told])


def main() -> None:
    goals = (1e-1, 1e-4, 1e-8)
    print("| rule |", " | ".join(f"C ≤ {goal:g}: steps (rate)" for goal in goals), "|")
    for rule in RATES:
        found = [best_rate(goal, rule, VALLEYS["rosenbrock"]) for goal in goals]
        cells = ["more than 30,000" if pair is None else f"{pair[0]:,} ({pair[1]:g})" for pair in found]
        print(f"| {words(rule)} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
