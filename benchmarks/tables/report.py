"""The table of scores: a line for each set, the mean over the seeds, how many those are, best in bold."""

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["first_of", "table"]

NETWORKS = ("chainrule", "MLP", "MLP, early stopping", "RealMLP-TD-S")
TIE = 0.0005  # scores that are the same in the table


def _means(rows: Iterable[Mapping[str, Any]], what: str = "score") -> dict[str, dict[str, float]]:
    """Of each set the mean of each contender."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        found.setdefault(row["set"], {}).setdefault(row["contender"], []).append(row[what])
    return {name: {who: statistics.fmean(values) for who, values in by.items()} for name, by in found.items()}


def first_of(rows: Iterable[Mapping[str, Any]], who: Iterable[str] = NETWORKS) -> tuple[int, int]:
    """On how many sets chainrule is first among these, or level with the first; and how many sets there are.

    >>> first_of([{"set": "a", "contender": c, "score": s} for c, s in (("chainrule", 0.9), ("MLP", 0.8))])
    (1, 1)
    """
    means = [{name: by[name] for name in who if name in by} for by in _means(rows).values() if "chainrule" in by]
    return sum(by["chainrule"] >= max(by.values()) - TIE for by in means), len(means)


def table(rows: list[Mapping[str, Any]]) -> str:
    """The table in Markdown, and on how many sets chainrule is first."""
    names = list(dict.fromkeys(row["contender"] for row in rows))
    lines = [f"| set | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for which, by in _means(rows).items():
        best = max(by.values())
        lines.append(_line(which, ["-" if name not in by else _bold(by[name], best) for name in names]))
    seconds = _means(rows, "seconds").values()
    times = [statistics.median(by[name] for by in seconds if name in by) for name in names]
    seeds = [str(len({row["seed"] for row in rows if row["contender"] == name})) for name in names]
    lines += [_line("seeds", seeds), _line("median seconds", [f"{time:.1f}" for time in times])]
    first, sets = first_of(rows)
    return "\n".join([*lines, "", f"Accuracy, or R² of numbers. First of the networks on {first} sets of {sets}."])


def _line(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _bold(value: float, best: float) -> str:
    return f"**{value:.3f}**" if value >= best - TIE else f"{value:.3f}"
