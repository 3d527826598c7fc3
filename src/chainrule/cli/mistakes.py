"""Writes the mistakes of a model for people: a confusion table for classes, a summary of the errors for numbers."""

from collections.abc import Mapping
from typing import Any

from chainrule.cli.console import say, show_table
from chainrule.text import counted, number, short

__all__ = ["show_mistakes"]

FEW = 10  # up to this many classes, the whole confusion table is shown
MANY = 15  # classes in a list
PAIRS = 10  # pairs of classes in a list


def show_mistakes(mistakes: Mapping[str, Any]) -> None:
    """Write the mistakes of each target."""
    for name, details in ((short(name), details) for name, details in mistakes.items()):
        if "classes" in details:
            _show_classes(name, details)
            _show_unknown(details.get("unknown"))
        elif "labels" in details:
            _show_labels(name, details["labels"])
        else:
            _show_errors(name, details)


def _show_labels(name: str, labels: list[Mapping[str, Any]]) -> None:
    listed = sorted(labels, key=lambda each: (each["recall"] is None, each["recall"], -each["rows"]))[:MANY]
    which = "" if len(listed) == len(labels) else f" {len(listed)} of the {len(labels)}"
    say("")
    say(f"{name}:{which} labels, lowest recall first")
    rows = [(short(c["label"]), number(c["rows"]), _share(c["recall"]), _share(c["precision"])) for c in listed]
    show_table((name, "rows", "recall", "precision"), rows, 1)


def _show_classes(name: str, details: Mapping[str, Any]) -> None:
    classes = details["classes"]
    if len(classes) <= FEW:
        _show_table(name, classes, details["confusion"])
        return
    listed = sorted(classes, key=lambda each: (each["recall"] is None, each["recall"], -each["rows"]))[:MANY]
    which = "" if len(listed) == len(classes) else f" {len(listed)} of the {len(classes)}"
    say("")
    say(f"{name}:{which} classes, lowest recall first")
    rows = [(short(c["class"]), number(c["rows"]), _share(c["recall"]), _share(c["precision"])) for c in listed]
    show_table((name, "rows", "recall", "precision"), rows, 1)
    if details["confused"]:
        pairs = [(short(p["true"]), short(p["said"]), number(p["rows"])) for p in details["confused"][:PAIRS]]
        say("")
        show_table((name, "mistaken for", "rows"), pairs, 2)


def _show_unknown(unknown: Mapping[str, int] | None) -> None:
    """Write how many rows have a class that training did not have."""
    if unknown is not None:
        rows, first = counted(unknown["rows"], "row"), number(unknown["first"] + 1)
        say(f"training did not have the class of {rows}, wrong in any case; the first is row {first}")


def _show_table(name: str, classes: list[Mapping[str, Any]], confusion: list[list[int]]) -> None:
    """Write a row for each true class, a column for each answer."""
    say("")
    say(f"{name}: a row for each true class, a column for each answer")
    rows = [
        (short(each["class"]), *(number(n) if n else "." for n in counts), _share(each["recall"]))
        for each, counts in zip(classes, confusion, strict=True)
    ]
    precision = ("precision", *(_share(each["precision"]) for each in classes), "")
    show_table(("", *(short(each["class"]) for each in classes), "recall"), [*rows, precision], 1)


def _show_errors(name: str, details: Mapping[str, Any]) -> None:
    low, quarter, middle, three, high = (number(value) for value in details["quantiles"].values())
    say("")
    say(f"{name}, answer minus true value: mean {number(details['bias'])}, median {middle}")
    if len(details["worst"]) > 1:
        say(f"  half of the rows lie from {quarter} to {three}, nine in ten from {low} to {high}; the largest errors:")
    worst = [(number(w["row"] + 1), number(w["true"]), number(w["answer"])) for w in details["worst"]]
    show_table(("row", name, "answer"), worst, 0)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
