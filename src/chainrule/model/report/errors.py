"""The section of the errors: which classes are confused, how far numbers are off, and in which rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.model.report.page import Section, figure, table
from chainrule.model.report.study import Study
from chainrule.model.report.subject import Subject
from chainrule.plots.charts import Chart
from chainrule.plots.markup import Markup, joined, tag
from chainrule.tables.columns import words_of
from chainrule.tables.targets import ClassTarget, LabelTarget
from chainrule.text import counted, number, short

__all__ = ["errors_section"]

WORST = 10  # rows
COLUMNS = 4  # of the worst rows
BINS = 30
LIST = 15  # classes, or pairs of them, in a list
LONG = 10  # letters of a number


def errors_section(model: Subject, study: Study) -> Section:
    """The errors of each target."""
    parts: list[Markup | None] = []
    for (target, part), truth in zip(model.targets.slices, model.targets.truth.columns, strict=True):
        T, A = study.judged.T[:, part], study.judged.A[:, part]
        parts.append(tag("h3", short(target.name)) if len(model.targets.columns) > 1 else None)
        mistakes, columns = study.mistakes[target.name], study.importance.ranked(target.name)[:COLUMNS]
        if isinstance(target, ClassTarget) and isinstance(truth, ClassTarget):
            parts += [*_classes(target, mistakes), _worst_classes(target, truth.codes(T), A, study, columns)]
        elif isinstance(target, LabelTarget):
            parts.append(_lowest(mistakes["labels"], "label", "labels"))
        else:
            y, a = truth.decode(T), target.decode(A)
            parts += [_errors(target.name, y, a, mistakes), _worst_numbers(target.name, y, a, study, columns)]
    return Section("errors", "Errors", joined(*parts))


def _classes(target: ClassTarget, mistakes: Mapping[str, Any]) -> list[Markup | None]:
    unknown = mistakes.get("unknown")
    said = tag("p", f"{_have(unknown['rows'])} a class that training did not have.") if unknown else None
    if "confusion" in mistakes:
        return [said, _matrix(target, mistakes)]
    pairs = [(short(p["true"]), short(p["said"]), f"{p['rows']:,}") for p in mistakes["confused"][:LIST]]
    return [
        said,
        _lowest(mistakes["classes"], "class", "classes"),
        table("Classes that are confused most often", ("true", "said", "rows"), pairs, numbers=(2,)) if pairs else None,
    ]


def _have(rows: int) -> str:
    return f"{counted(rows, 'row')} {'has' if rows == 1 else 'have'}"


def _lowest(mistakes: Sequence[Mapping[str, Any]], what: str, several: str) -> Markup:
    """Classes or labels with the lowest recall."""
    worst = sorted(mistakes, key=lambda c: (c["recall"] is None, c["recall"], -c["rows"]))[:LIST]
    rows = [(short(c[what]), f"{c['rows']:,}", _share(c["recall"]), _share(c["precision"])) for c in worst]
    caption = f"{len(rows)} of {len(mistakes)} {several}, lowest recall first"
    return table(caption, (what, "rows", "recall", "precision"), rows, numbers=(1, 2, 3))


def _matrix(target: ClassTarget, mistakes: Mapping[str, Any]) -> Markup:
    """A row for each true class, a column for each answer; the darker, the greater its share of the row."""
    classes = mistakes["classes"]
    names = [short(each["class"]) for each in classes]
    rows = [
        [name, *(_count(n, sum(counts), i == j) for j, n in enumerate(counts)), _share(classes[i]["recall"])]
        for i, (name, counts) in enumerate(zip(names, mistakes["confusion"], strict=True))
    ]
    rows.append(["precision", *(_share(each["precision"]) for each in classes), ""])
    caption = f"{short(target.name)}: a row for each true class, a column for each answer"
    numbers = range(1, len(names) + 2)
    return table(caption, ("true class", *names, "recall"), rows, numbers=numbers, kind="matrix")


def _count(n: int, row: int, right: bool) -> Markup:
    shade = -(-5 * n // max(row, 1))
    kind = f"{'c' if right else 'e'}{shade}" if n else ""
    return tag("td", f"{n:,}", class_=f"n {kind}".strip())


def _worst_classes(target: ClassTarget, true: Array, A: Array, study: Study, columns: Sequence[str]) -> Markup:
    """The rows whose true class, by its number (n,), -1 for an unknown one, has the least probability."""
    chance = np.where(true < 0, 0.0, target.probabilities(A)[np.arange(len(A)), true].astype(np.float64))
    worst = np.argsort(chance, kind="stable")[:WORST]
    said, texts = target.codes(A), target.texts
    cells = _cells(study, columns, worst)
    rows = [
        (
            f"{study.judged.numbers[i] + 1:,}",
            short(texts[true[i]]) if true[i] >= 0 else "unknown",
            short(texts[said[i]]),
            f"{chance[i]:.2g}",
            *own,
        )
        for i, own in zip(worst, cells, strict=True)
    ]
    heads = ("row", "true", "said", "its probability", *map(short, columns))
    return table(
        f"The rows whose true class of {short(target.name)} had the least probability", heads, rows, numbers=(3,)
    )


def _errors(name: str, y: Array, a: Array, mistakes: Mapping[str, Any]) -> Markup:
    error, quantiles = a - y, list(mistakes["quantiles"].values())
    low, high = np.quantile(error, [0.005, 0.995]).tolist()
    inside = error[(error >= low) & (error <= high)]
    counts, edges = np.histogram(inside, bins=BINS if low < high else 1)
    chart = Chart(edges.tolist(), [0.0, float(counts.max())], ("answer minus true value", "rows"), log=(False, False))
    chart.bars(zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True))
    chart.rule((0.0, 0.0), (0.0, float(counts.max()))) if low < 0 < high else None
    text = (
        f"The mean is {number(mistakes['bias'])}. Half of the rows lie from {number(quantiles[1])} to "
        f"{number(quantiles[3])}, nine in ten from {number(quantiles[0])} to {number(quantiles[4])}."
    )
    some = np.arange(0, len(y), max(1, len(y) // 300))
    against = Chart(a[some].tolist(), [*error[some].tolist(), 0.0], ("answer", "error"), log=(False, False))
    against.rule((float(a[some].min()), 0.0), (float(a[some].max()), 0.0))
    against.dots(list(zip(a[some].tolist(), error[some].tolist(), strict=True)), 0, radius=2, faint=True)
    more = "Each dot is a row: an even band around 0 is good, a fan or a bow is not."
    return tag(
        "div",
        figure(f"Errors of {short(name)}", chart.svg(f"Errors of {short(name)}", text), text),
        figure("Errors by the answer", against.svg(f"Errors of {short(name)} by the answer", more), more),
        class_="charts",
    )


def _worst_numbers(name: str, y: Array, a: Array, study: Study, columns: Sequence[str]) -> Markup:
    error = a - y
    worst = np.argsort(-np.abs(error), kind="stable")[:WORST]
    rows = [
        (f"{study.judged.numbers[i] + 1:,}", number(y[i]), number(a[i]), number(error[i]), *own)
        for i, own in zip(worst, _cells(study, columns, worst), strict=True)
    ]
    heads = ("row", "true", "answer", "error", *map(short, columns))
    return table(f"The rows with the greatest errors of {short(name)}", heads, rows, numbers=(1, 2, 3))


def _cells(study: Study, columns: Sequence[str], rows: Array) -> list[tuple[str, ...]]:
    """The cells of some columns in some rows, as text."""
    table_ = study.judged.table.take(rows)
    by_column = [words_of(table_.column(name), name).to_pylist() for name in columns]
    by_row = zip(*by_column, strict=True) if by_column else ((),) * len(rows)
    return [tuple("missing" if cell is None else _cell(cell) for cell in cells) for cells in by_row]


def _cell(text: str) -> str:
    """A cell, with six digits if it is a number of many."""
    try:
        return f"{float(text):.6g}" if len(text) > LONG and "_" not in text else short(text)
    except ValueError:
        return short(text)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
