"""The mistakes of a model as people read them: a confusion table, or a summary of the errors."""

from collections.abc import Mapping
from typing import Any

from chainrule.cli.console import say, show_table
from chainrule.text import number

__all__ = ["show_mistakes"]

FEW = 10  # classes whose whole table can be read
MANY = 15  # classes of a list
PAIRS = 10  # pairs of classes of a list


def show_mistakes(mistakes: Mapping[str, Any]) -> None:
    """What was found of each target."""
    for name, found in mistakes.items():
        if "classes" in found:
            _show_classes(name, found)
        else:
            _show_errors(name, found)


def _show_classes(name: str, found: Mapping[str, Any]) -> None:
    classes = found["classes"]
    if len(classes) <= FEW:
        _show_table(name, classes, found["confusion"])
        return
    listed = sorted(classes, key=lambda each: (each["recall"] is None, each["recall"], -each["rows"]))[:MANY]
    which = "" if len(listed) == len(classes) else f" {len(listed)} of the {len(classes)}"
    say("")
    say(f"{name}:{which} classes, the ones that are found least often first")
    rows = [(str(c["class"]), number(c["rows"]), _share(c["recall"]), _share(c["precision"])) for c in listed]
    show_table((name, "rows", "recall", "precision"), rows, 1)
    if found["confused"]:
        pairs = [(str(p["true"]), str(p["said"]), number(p["rows"])) for p in found["confused"][:PAIRS]]
        say("")
        show_table((name, "taken for", "rows"), pairs, 2)


def _show_table(name: str, classes: list[Mapping[str, Any]], confusion: list[list[int]]) -> None:
    """A row for each true class, a column for each that is said."""
    say("")
    say(f"{name}: a row for each true class, a column for each answer")
    rows = [
        (str(each["class"]), *(number(n) if n else "." for n in counts), _share(each["recall"]))
        for each, counts in zip(classes, confusion, strict=True)
    ]
    precision = ("precision", *(_share(each["precision"]) for each in classes), "")
    show_table(("", *(str(each["class"]) for each in classes), "recall"), [*rows, precision], 1)


def _show_errors(name: str, found: Mapping[str, Any]) -> None:
    low, quarter, middle, three, high = (number(value) for value in found["quantiles"].values())
    say("")
    say(f"{name}, answer less truth: mean {number(found['bias'])}, median {middle}")
    say(f"  half of the rows lie from {quarter} to {three}, nine in ten from {low} to {high}; the farthest off:")
    worst = [(number(w["row"] + 1), number(w["true"]), number(w["answer"])) for w in found["worst"]]
    show_table(("row", name, "answer"), worst, 0)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
