"""The sections of the columns: their importance with its spread, and how the answers depend on them."""

from __future__ import annotations

import numpy as np

from chainrule.arrays import Array
from chainrule.model.dependence import HIGH, LOW, Dependence
from chainrule.model.importance import Importance
from chainrule.model.report.page import Section, figure, table
from chainrule.model.report.study import Study
from chainrule.model.report.subject import Subject
from chainrule.model.scores import METRICS
from chainrule.plots.charts import Chart, key
from chainrule.plots.figures import log_scale_helps
from chainrule.plots.markup import Markup, joined, tag
from chainrule.plots.rows_chart import Mark, rows_chart
from chainrule.tables.targets import ClassTarget, LogQuantity, Quantiles, Quantity, Target
from chainrule.text import number, short, words

__all__ = ["dependence_section", "importance_section"]

BARS = 15  # columns in the picture
LINES = 60  # columns in the table
CLASSES = 4  # that are drawn, the most frequent ones
CURVES = 30  # rows whose own answers are drawn


def importance_section(model: Subject, study: Study) -> Section:
    """How much worse the answers become when the cells of a column are dealt out among the rows."""
    importance = study.importance
    said = (
        f"The cells of one column are dealt out among {importance.rows:,} rows, five times; its importance is how much "
        "worse the answers become. Of two columns that say the same, each looks unimportant. It says what the model "
        "uses, not what the world depends on."
    )
    left = len(model.encoder.slices) - study.permuted
    more = f" Of {study.permuted + left:,} columns the {study.permuted} that move the answers furthest." if left else ""
    parts = [_importance(importance, target, len(importance.scores) > 1) for target in importance.scores]
    return Section("importance", "Which columns it uses", joined(tag("p", said + more), *parts))


def _importance(importance: Importance, target: str, several: bool) -> Markup:
    metric = importance.loss(target)
    ranked = importance.ranked(target)
    values = [(name, importance.mean(name, target, metric), importance.spread(name, target, metric)) for name in ranked]
    what = f"{words(metric)} {'added' if METRICS[metric].mode == 'min' else 'lost'}"
    marks = [(short(name), [Mark(mean, mean - spread, mean + spread)]) for name, mean, spread in values[:BARS]]
    first = ", ".join(f"{short(name)} {number(mean)}" for name, mean, _ in values[:3])
    chart = rows_chart(marks, what, f"Importance of the columns for {short(target)}", f"First: {first}", bars=True)
    text = f"Bars are means over five permutations, lines their standard deviation; {what}."
    rows = [
        (short(name), tag("td", tag("data", number(mean), value=repr(mean)), class_="n"), f"± {number(spread)}")
        for name, mean, spread in values[:LINES]
    ]
    numbers = table(f"Importance for {short(target)}", ("column", what, "spread"), rows, numbers=(1, 2))
    heading = tag("h3", short(target)) if several else None
    return joined(heading, figure(f"Importance for {short(target)}", chart, text), _numbers(numbers))


def dependence_section(model: Subject, study: Study) -> Section:
    """The mean answer when a column has one value in every row."""
    said = (
        "One column gets the same value in every row, and the answers are averaged: the partial dependence. Thin lines "
        "are single rows. Columns that belong together make rows that cannot be: then read the curves with care."
    )
    parts: list[Markup | None] = [tag("p", said)]
    for target, part in model.targets.slices:
        shown = _outputs(target, study.judged.T[:, part])
        charts = [_chart(each, target, shown, part.start) for each in study.dependences[target.name]]
        parts.append(tag("h3", short(target.name)) if len(model.targets.columns) > 1 else None)
        parts.append(tag("div", *charts, class_="charts"))
    return Section("dependence", "How the answers depend on columns", joined(*parts))


def _outputs(target: Target, T: Array) -> list[int]:
    """Which outputs of a target are drawn: the second of two classes, the most frequent ones, or the answer."""
    if isinstance(target, ClassTarget) and len(target.values) == 2:
        return [target.width - 1]
    if isinstance(target, Quantity):
        return [target.middle if isinstance(target, Quantiles) else 0]
    return sorted(np.argsort(-T.sum(axis=0), kind="stable")[:CLASSES].tolist())


def _name(target: Target, output: int) -> str:
    """What an output of a target is called, beside its target: a class, a label, `>=` a class of an order."""
    own = target.neurons[output].removeprefix(target.name).removeprefix("=")
    return own if target.texts else target.name


def _chart(dependence: Dependence, target: Target, shown: list[int], start: int) -> Markup:
    """A dependence as curves over numbers, or as dots beside words."""
    outputs = [start + j for j in shown]
    names = [_name(target, j) for j in shown]
    y_label = f"probability of {short(names[0])}" if target.texts else short(target.name)
    y_label = "probability" if len(names) > 1 else y_label
    known = np.isfinite(dependence.numbers)
    title = f"{short(target.name)} by {short(dependence.column)}"
    if known.sum() > 1:
        log = None if isinstance(target, LogQuantity) else False
        chart, text = _curves(dependence, outputs, y_label, title, log)
    else:
        chart, text = _dots(dependence, outputs, y_label, title)
    means = dependence.mean[:, outputs]
    rows = [(short(v), *map(number, own)) for v, own in zip(dependence.values, means.tolist(), strict=True)]
    numbers = table(title, ("value", *map(short, names)), rows, numbers=range(1, len(names) + 1))
    return tag("div", figure(short(dependence.column), chart, text, key(list(map(short, names)))), _numbers(numbers))


def _curves(
    dependence: Dependence, outputs: list[int], y_label: str, title: str, log_y: bool | None
) -> tuple[Markup, str]:
    known = np.isfinite(dependence.numbers)
    x = dependence.numbers[known]
    single = len(outputs) == 1
    rows = dependence.curves[:: max(1, len(dependence.curves) // CURVES)][:CURVES, known][:, :, outputs[0]]
    means = dependence.mean[:, outputs]
    values = [*means[known].ravel().tolist(), *(rows.ravel().tolist() if single else [])]
    log = log_scale_helps(x.tolist())
    chart = Chart(x.tolist(), values, (short(dependence.column), y_label), (log, log_y), _times(dependence, known))
    for row in rows if single else ():
        chart.line(list(zip(x.tolist(), row.tolist(), strict=True)), 5, thin=True)
    for k in range(len(outputs)):
        points = list(zip(x.tolist(), means[known, k].tolist(), strict=True))
        chart.line(points, k)
        chart.dots(points, k, radius=2.6)
    of = "" if single else f" of {short(dependence.outputs[outputs[0]])}"
    text = f"The mean{of} goes from {number(means[known, 0][0])} to {number(means[known, 0][-1])}"
    missing = "" if known.all() else f"; a missing cell gives {number(float(means[~known][0, 0]))}"
    return chart.svg(title, text + missing), text + missing + "."


def _times(dependence: Dependence, known: Array) -> list[tuple[float, str]] | None:
    """Texts for the axis of a column of times, which are no round numbers."""
    texts = [text for text, own in zip(dependence.values, known, strict=True) if own]
    numbers = dependence.numbers[known].tolist()
    plain = all(_is_number(text) for text in texts)
    return None if plain else [(numbers[k], texts[k]) for k in sorted({0, len(texts) // 2, len(texts) - 1})]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _dots(dependence: Dependence, outputs: list[int], y_label: str, title: str) -> tuple[Markup, str]:
    means, low, high = dependence.mean, dependence.quantile(LOW), dependence.quantile(HIGH)
    rows = [
        (value, [Mark(means[v, j], low[v, j], high[v, j], k) for k, j in enumerate(outputs)])
        for v, value in enumerate(dependence.values)
    ]
    text = "Dots are means; between the ends of a line lie eight rows in ten."
    return rows_chart(rows, y_label, title, text), text


def _numbers(numbers: Markup) -> Markup:
    """A table that is shown when it is asked for."""
    return tag("details", tag("summary", "The numbers"), numbers)
