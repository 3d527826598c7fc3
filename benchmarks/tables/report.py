"""The report in Markdown: each contender over all sets, the goal, and the scores of each set.

Contenders are compared on the same splits: those seeds of a set count that all have who have nearly all. Who has few is
set beside chainrule on the seeds that both have.
"""

import datetime
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import versions
from benchmarks.tables.contenders import CONTENDERS, OWN
from benchmarks.tables.ranks import TIE, holm, paired, ranks

__all__ = ["BOOSTING", "Goal", "claim", "common", "goal", "markdown"]

BOOSTING = ("boosting", "LightGBM")
LIBRARIES = ("scikit-learn", "lightgbm", "pytabkit", "torch")
MOST = 0.9  # who has results on this share of the sets is ranked
Row = Mapping[str, Any]
Means = dict[str, dict[str, float]]  # of each set, of each contender


class Goal(NamedTuple):
    """On which of its sets chainrule is the first network, level with or above boosting, below 95% of the best."""

    sets: int
    first: list[str]
    level: dict[str, list[str]]
    below: list[str]


def common(rows: Iterable[Row]) -> list[Row]:
    """The rows of those seeds that every contender has who has nearly all seeds of nearly all sets."""
    kept = [row for row in rows if "score" in row]
    runs: dict[str, set[tuple[str, int]]] = {}
    for row in kept:
        runs.setdefault(row["contender"], set()).add((row["set"], row["seed"]))
    most = MOST * max(map(len, runs.values()), default=0)
    shared = set.intersection(*(own for own in runs.values() if len(own) >= most)) if runs else set()
    return [row for row in kept if (row["set"], row["seed"]) in shared]


def pairs(rows: Iterable[Row], other: str) -> dict[str, tuple[float, float]]:
    """The means of chainrule and of another on each set, over the seeds that both have."""
    seeds: dict[str, set[tuple[str, int]]] = {OWN: set(), other: set()}
    rows = [row for row in rows if row["contender"] in seeds]
    for row in rows:
        seeds[row["contender"]].add((row["set"], row["seed"]))
    both = means(row for row in rows if (row["set"], row["seed"]) in seeds[OWN] & seeds[other])
    return {name: (by[OWN], by[other]) for name, by in both.items()}


def means(rows: Iterable[Row], what: str = "score") -> Means:
    """The mean over seeds."""
    values: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        if what in row:
            values.setdefault(row["set"], {}).setdefault(row["contender"], []).append(row[what])
    return {name: {who: statistics.fmean(all_) for who, all_ in by.items()} for name, by in values.items()}


def goal(rows: Iterable[Row]) -> Goal:
    """How near chainrule is to the goal.

    >>> goal([{"set": "a", "seed": 0, "contender": c, "score": s} for c, s in (("chainrule", 0.9), ("MLP", 0.8))]).first
    ['a']
    """
    rows = common(rows)
    sets = [name for name, by in means(rows).items() if OWN in by]
    beside = {other: pairs(rows, other) for other in {row["contender"] for row in rows} - {OWN}}
    networks = {other for other in beside if other in CONTENDERS and CONTENDERS[other].network}

    def behind(name: str, others: Iterable[str], share: float = 1.0) -> bool:
        both = (beside[other][name] for other in others if name in beside[other])
        return any(own < share * theirs - TIE for own, theirs in both)

    first = [name for name in sets if not behind(name, networks)]
    level = {
        other: [name for name in sets if name in beside.get(other, ()) and not behind(name, [other])]
        for other in BOOSTING
    }
    return Goal(len(sets), first, level, [name for name in sets if behind(name, beside, 0.95)])


def markdown(rows: Sequence[Row], names: Sequence[str]) -> str:
    """The report on the contenders of these names that have results."""
    rows = common(row for row in rows if row["contender"] in names)
    names = [name for name in names if any(row["contender"] == name for row in rows)]
    if not names:
        return "No results."
    scores = means(rows)
    each = f"<details><summary>The scores of each set</summary>\n\n{_each(rows, scores, names)}\n\n</details>"
    return "\n\n".join([_overall(rows, scores, names), *([_goal(rows)] if OWN in names else []), each, _who(names)])


def claim(rows: Sequence[Row]) -> str:
    """What the report on all contenders says, in two sentences."""
    rows = common(row for row in rows if row["contender"] in CONTENDERS)
    mean, _, sets = _ranked(means(rows), list(CONTENDERS))
    level = {name: len(on) for name, on in goal(rows).level.items()}
    both = pairs(rows, "RealMLP-TD").values()
    ahead, behind = (sum(sign * (theirs - own) > TIE for own, theirs in both) for sign in (1, -1))
    return (
        f"On {sets} tables, the defaults have mean rank {mean[OWN]:.2f}, scikit-learn's network {mean['MLP']:.2f}, its "
        f"histogram boosting {mean['boosting']:.2f}, LightGBM {mean['LightGBM']:.2f}; they are level with or above "
        f"boosting on {level['boosting']} and LightGBM on {level['LightGBM']}. RealMLP-TD is ahead on {ahead} of "
        f"{len(both)} and behind on {behind}"
    )


def _who(names: Sequence[str]) -> str:
    """What the names mean, and the versions and the day."""
    texts = ". ".join(f"{name}: {CONTENDERS[name].text}" for name in names if name in CONTENDERS)
    known = ", ".join(f"{name} {version}" for name, version in versions(("pandas", *LIBRARIES)).items())
    return f"{texts}. {known}, {datetime.date.today()}."


def _overall(rows: Sequence[Row], scores: Means, names: Sequence[str]) -> str:
    """A line for each contender, by mean rank."""
    mean, placed, compared = _ranked(scores, names)
    beside = _beside(rows, [name for name in names if name != OWN]) if OWN in names else {}
    seconds, memory = (means(rows, what) for what in ("processor", "memory"))
    head = ["", "sets", "mean rank", "share of the best: median", "least", "chainrule ahead, level, behind", "p"]
    lines = [[*head, "seconds", "MB"], ["---"] * (len(head) + 2)]
    for name in sorted(names, key=lambda name: mean.get(name, np.inf)):
        shares = sorted(by[name] / max(by.values()) for by in scores.values() if name in by and max(by.values()) > 0)
        cells = [name, str(sum(name in by for by in scores.values()))]
        cells += [f"{mean[name]:.2f}" if name in mean else "-", f"{statistics.median(shares):.1%}", f"{shares[0]:.0%}"]
        cells += beside.get(name, ["-", "-"])
        lines.append([*cells, _median(seconds, name, ".1f"), _median(memory, name, ".0f")])
    text = "\n".join(_line(cells) for cells in lines)
    return f"{text}\n\n{_about(placed, compared)}" if placed else text


def _ranked(scores: Means, names: Sequence[str]) -> tuple[dict[str, float], Any, int]:
    """The mean ranks of those who have nearly all sets, what they are tested by, and the number of sets compared."""
    ranked = [name for name in names if sum(name in by for by in scores.values()) >= MOST * len(scores)]
    whole = np.array([[by[name] for name in ranked] for by in scores.values() if all(name in by for name in ranked)])
    placed = ranks(whole) if len(ranked) > 1 and len(whole) else None
    return dict(zip(ranked, placed.mean, strict=True)) if placed else {}, placed, len(whole)


def _about(placed: Any, sets: int) -> str:
    return (
        f"Mean ranks are of the {sets} sets that all ranked contenders have; those that differ by less than "
        f"{placed.difference:.2f} do not differ significantly (Nemenyi, 5%; Friedman's p {placed.p:.1g}). "
        "p is Wilcoxon's, by Holm. Seconds of one processor and peak memory of the process are medians over the sets."
    )


def _beside(rows: Sequence[Row], others: Sequence[str]) -> dict[str, list[str]]:
    """Of each other contender how chainrule does beside it, and p."""
    results = {}
    for name in others:
        both = np.array(list(pairs(rows, name).values())).reshape(-1, 2)
        results[name] = paired(both[:, 0], both[:, 1])
    corrected = holm([pair.p for pair in results.values()])
    return {
        name: [f"{pair.wins}, {pair.level}, {pair.losses}", f"{p:.2g}"]
        for (name, pair), p in zip(results.items(), corrected, strict=True)
    }


def _median(values: Means, name: str, form: str) -> str:
    known = [by[name] for by in values.values() if name in by]
    return format(statistics.median(known), form) if known else "-"


def _goal(rows: Sequence[Row]) -> str:
    result = goal(rows)
    level = ", ".join(f"{other} on {len(sets)}" for other, sets in result.level.items())
    below = f" ({', '.join(result.below)})" if result.below else ""
    return (
        f"Of {result.sets} sets, chainrule is the first network on {len(result.first)}, or level with it; it is level "
        f"with or above {level}; below 95% of the best on {len(result.below)}{below}."
    )


def _each(rows: Sequence[Row], scores: Means, names: Sequence[str]) -> str:
    """A line for each set: the means over the seeds, best in bold."""
    seeds = {which: len({row["seed"] for row in rows if row["set"] == which}) for which in scores}
    lines = [["set", "seeds", *names], ["---"] * (len(names) + 2)]
    for which, by in scores.items():
        best = max(by.values())
        cells = ["-" if name not in by else _bold(by[name], best) for name in names]
        lines.append([which, str(seeds[which]), *cells])
    return "\n".join(_line(cells) for cells in lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bold(value: float, best: float) -> str:
    return f"**{value:.3f}**" if value >= best - TIE else f"{value:.3f}"
