"""The table of the times to accuracy, and how much sooner chainrule is there."""

import statistics
from typing import Any

from benchmarks.accuracy.recipes import RECIPES
from benchmarks.accuracy.worker import GOALS
from benchmarks.report import machine_text, versions_text

__all__ = ["Rows", "markdown", "seconds", "updates"]

LIBRARIES = {"own": "chainrule", "torch_": "torch", "jax_": "JAX", "scikit": "scikit-learn"}
Rows = list[dict[str, Any]]


def updates(rows: Rows, name: str, goal: float) -> float | None:
    """The median over seeds of a recipe's updates until a goal; None where most do not get there.

    >>> updates([{"recipe": "a", "seed": k, "0.88": n} for k, n in enumerate([100, None, 200])], "a", 0.88)
    200.0
    """
    counts = [row[f"{goal:.2f}"] for row in rows if row["recipe"] == name and "seed" in row]
    infinity = float("inf")
    middle = statistics.median(infinity if n is None else n for n in counts) if counts else infinity
    return None if middle == infinity else float(middle)


def seconds(rows: Rows, name: str, goal: float, threads: int) -> float | None:
    """The seconds until a goal with so many threads."""
    count = updates(rows, name, goal)
    micros = [row["micros"] for row in rows if row["recipe"] == name and row.get("threads") == threads]
    return None if count is None or not micros else count * micros[-1] / 1e6


def markdown(rows: Rows) -> str:
    """A line for each recipe; a dash where most seeds do not reach the goal."""
    origins = [row["about"] for row in rows if "about" in row]
    rows = [row for row in rows if "about" not in row]
    threads = sorted({row["threads"] for row in rows if "threads" in row})
    words = [f"{n} thread{'s' * (n > 1)}" for n in threads]
    heads = [f"{goal:.0%}: {what}" for goal in GOALS for what in ("updates", *words)]
    lines = [["library", "recipe", *heads, "best until then", "seeds"]]
    lines.append(["---"] * len(lines[0]))
    for name, recipe in RECIPES.items():
        counted = [row for row in rows if row["recipe"] == name and "seed" in row]
        if counted:
            cells = [cell for goal in GOALS for cell in _cells(rows, name, goal, threads)]
            best = f"{statistics.median(row['best'] for row in counted):.1%}"
            text = f"{recipe.rule.replace('_', ' ')}, {recipe.words}"
            lines.append([LIBRARIES[recipe.library], text, *cells, best, str(len(counted))])
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return "\n\n".join(part for part in [table, *(_sentence(rows, n) for n in threads), *_origin(origins[-1:])] if part)


def _origin(abouts: list[dict[str, Any]]) -> list[str]:
    """Machine and versions of the runs on one line each."""
    return [f"{machine_text(about['machine'])} {versions_text(about['versions'])}" for about in abouts]


def _cells(rows: Rows, name: str, goal: float, threads: list[int]) -> list[str]:
    count = updates(rows, name, goal)
    spent = [seconds(rows, name, goal, n) for n in threads]
    return ["-" if count is None else f"{count:,.0f}", *("-" if s is None else f"{s:.2f} s" for s in spent)]


def _sentence(rows: Rows, threads: int) -> str:
    """How much sooner 88% are reached than by each peer's first recipe and by its best one."""
    spent = {name: seconds(rows, name, GOALS[0], threads) for name in RECIPES}
    own = min((s for name, s in spent.items() if s and RECIPES[name].library == "own"), default=None)
    if own is None:
        return ""
    parts = []
    for library in list(LIBRARIES)[1:]:
        of_peer = [spent[name] for name, recipe in RECIPES.items() if recipe.library == library]
        ratios = [f"{s / own:.1f}" if s else "-" for s in (of_peer[0], min(filter(None, of_peer), default=None))]
        parts.append(f"{LIBRARIES[library]} {ratios[0]} and {ratios[1]}")
    count = f"{threads} thread{'s' * (threads > 1)}"
    return f"Times the seconds of chainrule's best, {count}, for the usual recipe and the best one: {'; '.join(parts)}."
