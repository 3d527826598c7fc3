"""The section of the training: its curves, how it ended, what the training doctor and the table's notes say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.model.report.known import known_facts
from chainrule.model.report.page import Section, bullets, figure, table
from chainrule.model.report.subject import Subject
from chainrule.plots.charts import SERIES, Chart, key
from chainrule.plots.markup import Markup, joined, tag
from chainrule.text import counted, number, words

__all__ = ["training_section"]

_COSTS = ("cost", "validation_cost")


def training_section(model: Subject) -> Section:
    """Curves, ending, findings and warnings."""
    summary = known_facts(model.summary)
    parts = [tag("p", _ending(summary)), _curves(summary), _scores(summary), *_findings(summary)]
    return Section("training", "Training", joined(*parts))


def _ending(summary: Mapping[str, Any]) -> str:
    if "epochs" not in summary:
        return "How it was trained is not known."
    epochs, best = summary["epochs"], summary.get("best_epoch", 0)
    why = {
        "patience": "no better epoch came for a while",
        "time": "its time was over",
        "cancelled": "it was stopped",
        "converged": "it converged",
        "diverged": "it diverged",
        "evaluations": "it had computed the cost often enough",
    }.get(summary.get("stopped", ""), "all of them were made")
    members = f" of {summary['members']} networks side by side" if "members" in summary else ""
    joined = summary.get("members_of_trials", 0)
    beside = f" Beside them the model has {counted(joined, 'network')} of short trainings." if joined else ""
    took = f"The training{members} took {counted(epochs, 'epoch')}: {why}. The weights are those after epoch {best}."
    return took + beside


def _curves(summary: Mapping[str, Any]) -> Markup:
    """The costs in one chart, the metrics in another."""
    curves = summary.get("curves", {})
    if not curves:
        return tag(
            "p", "It has no curves: its file is older than they are, or it was not trained here.", class_="quiet"
        )
    metrics = [name for name in curves if name not in ("epoch", *_COSTS)]
    charts = [_chart("Cost after each epoch", curves, [name for name in _COSTS if name in curves], summary)]
    if metrics:
        charts.append(_chart("Scores on rows held out", curves, metrics[:SERIES], summary))
    return tag("div", *charts, class_="charts")


def _chart(title: str, curves: Mapping[str, Any], names: Sequence[str], summary: Mapping[str, Any]) -> Markup:
    epochs, best = curves["epoch"], summary.get("best_epoch", 0)
    labels = {"cost": "training", "validation_cost": "held out"}
    shown = [labels.get(name, words(name)) for name in names]
    values = [value for name in names for value in curves[name] if math.isfinite(value)] or [0.0]
    chart = Chart(epochs, values, ("epoch", "cost" if names[0] in _COSTS else " and ".join(shown[:2])))
    if 0 < best <= max(epochs):
        chart.rule((best, min(values)), (best, max(values)))
    for k, name in enumerate(names):
        chart.line(list(zip(epochs, curves[name], strict=True)), k)
    last = ", ".join(f"{label} {number(curves[name][-1])}" for label, name in zip(shown, names, strict=True))
    text = f"At the end: {last}. The dashed line is epoch {best}, whose weights the model has."
    return figure(title, chart.svg(title, text), text, key(shown))


def _scores(summary: Mapping[str, Any]) -> Markup | None:
    """The scores that the training itself measured."""
    best = summary.get("at_best_epoch", {})
    rows = [(f"{words(name)}, at the best epoch", number(value)) for name, value in best.items()]
    test = summary.get("test", {}).get("targets", {})
    for target, scores in test.items():
        rows += [(f"{words(name)} of {target}, on the rows for the test", number(v)) for name, v in scores.items()]
    return table("What the training measured", ("what", "value"), rows, numbers=(1,)) if rows else None


def _findings(summary: Mapping[str, Any]) -> list[Markup | None]:
    findings, warnings = summary.get("findings", {}), summary.get("warnings", [])
    lines = [tag("li", tag("strong", f"{name}: "), text) for name, text in findings.items()]
    said = tag("ul", *lines) if lines else tag("p", "The training doctor has found nothing wrong.")
    parts = [tag("h3", "Findings of the training doctor"), said]
    return [*parts, *([tag("h3", "Warnings about the table"), bullets(warnings)] if warnings else [])]
