"""The section of the scores, beside a linear model and boosting, and that of calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.model.report.known import known_facts
from chainrule.model.report.page import Section, data, figure, table
from chainrule.model.report.study import OURS, Study
from chainrule.model.report.subject import Subject
from chainrule.model.scores import METRICS
from chainrule.plots.charts import Chart
from chainrule.plots.markup import Markup, joined, tag
from chainrule.tables.targets import ClassTarget, LabelTarget, LogQuantity
from chainrule.text import counted, number, short, words

__all__ = ["calibration_error", "calibration_section", "headline", "scores_section", "tenths"]

GROUPS = 10
LEAST = 5  # rows in a group
MOST_TILES = 4  # targets that are named at the top
DOTS = 300  # rows that are drawn
Z = 1.959964  # standard deviations of a 95% interval


def headline(study: Study) -> list[tuple[str, str, str]]:
    """The first score of each target, and those of the other models."""
    figures = []
    for target, scores in study.scores[OURS].items():
        metric = next(iter(scores)) if "rmse" not in scores or math.isnan(scores["r2"]) else "r2"
        others = [
            f"{name} {number(own[target][metric])}"
            for name, own in study.scores.items()
            if name != OURS and not math.isnan(own[target][metric])
        ]
        name = words(metric) if len(study.scores[OURS]) == 1 else f"{words(metric)} of {short(target)}"
        figures.append((name, number(scores[metric]), ", ".join(others)))
    return figures[:MOST_TILES]


def scores_section(model: Subject, study: Study) -> Section:
    """Each score of each model."""
    several = len(study.scores[OURS]) > 1
    tables = [
        joined(tag("h3", short(target)) if several else None, _table(study, target)) for target in study.scores[OURS]
    ]
    return Section("scores", "Scores", joined(tag("p", study.others), _caution(model, study), *tables))


def _caution(model: Subject, study: Study) -> Markup | None:
    """A note if the table may be that of the training."""
    facts, some = known_facts(model.summary), study.judged.taken
    rows = facts.get("rows", -1) + facts.get("test", {}).get("rows", 0)
    rows += 0 if "members" in facts else facts.get("validation_rows", 0)
    if study.apart or rows != some.total - study.judged.without:
        return None
    every = facts.get("test_every")
    cure = f": --test-every {every} judges it by the rows that it has not seen" if every else ""
    words_ = f"The training had {rows:,} rows too. If they were these, the model has seen their answers{cure}."
    return tag("p", words_, class_="note")


def _table(study: Study, target: str) -> Markup:
    rows = []
    for metric in study.scores[OURS][target]:
        by_model = {name: own[target][metric] for name, own in study.scores.items()}
        if not all(map(math.isnan, by_model.values())):
            best = _best(metric, by_model)
            rows.append(
                [
                    f"{words(metric)}{', smaller is better' * (METRICS[metric].mode == 'min')}",
                    *(data(v, _shown(v), "best" if name in best else None) for name, v in by_model.items()),
                ]
            )
    heads = ("score", *study.scores)
    count = counted(len(study.judged.X), "row")
    caption = f"Scores of {short(target)} on the same {count}; the best is bold"
    return table(caption, heads, rows, numbers=range(1, len(heads)))


def _best(metric: str, by_model: Mapping[str, float]) -> list[str]:
    """The models with the best value, if there are several models."""
    known = [value for value in by_model.values() if not math.isnan(value)]
    best = max(known) if METRICS[metric].mode == "max" else min(known)
    return [name for name, value in by_model.items() if value == best] if len(by_model) > 1 else []


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else number(value)


# ------------------------------------------------------------------------------------------- calibration


def calibration_section(model: Subject, study: Study) -> Section:
    """Whether probabilities are the shares that come true, and numbers the means of the true values.

    Of several labels all probabilities count together.
    """
    charts = []
    for (target, part), truth in zip(model.targets.slices, model.targets.truth.columns, strict=True):
        T, A = study.judged.T[:, part], study.judged.A[:, part]
        if isinstance(target, ClassTarget) and isinstance(truth, ClassTarget):
            charts.append(_of_classes(target, truth, T, A))
        elif isinstance(target, LabelTarget):
            p, hit = A.ravel().astype(np.float64), T.ravel() > 0.5
            charts.append(_of_chances(target.name, "probability of a label", p, hit))
        else:
            charts.append(_of_numbers(target, truth.decode(T), target.decode(A)))
    said = tag("p", "The rows are sorted by the answer and divided into ten groups of the same size; each is a dot.")
    return Section("calibration", "Calibration", joined(said, tag("div", *charts, class_="charts")))


def tenths(answer: Array) -> list[Array]:
    """The rows (n,) in groups of about the same size, by their answer."""
    order = np.argsort(answer, kind="stable")
    return list(np.array_split(order, max(1, min(GROUPS, len(order) // LEAST))))


def calibration_error(p: Array, hit: Array) -> float:
    """The mean distance between the probabilities of a group and the share that comes true.

    ECE = Σ_g n_g / n |mean p - mean hit|, over ten groups of the same size.

    - p, hit: the probabilities (n,), and whether the event happened.
    """
    return sum(len(g) * abs(float(p[g].mean()) - float(hit[g].mean())) for g in tenths(p)) / len(p)


def _of_classes(target: ClassTarget, truth: ClassTarget, T: Array, A: Array) -> Markup:
    """The probability of the second of two classes, or of the class that is said, against the share that comes true."""
    true = truth.codes(T)
    if len(target.values) == 2:
        p, hit, what = target.probabilities(A)[:, 1], true == 1, f"probability of {short(target.texts[1])}"
    else:
        p, hit = target.chances(A), true == target.codes(A)
        what = "probability of the class that is said"
    return _of_chances(target.name, what, p.astype(np.float64), hit)


def _of_chances(name: str, what: str, p: Array, hit: Array) -> Markup:
    """Probabilities (n,) against the share that comes true."""
    chart = Chart([0.0, 1.0], [0.0, 1.0], (what, "share that comes true"), log=(False, False))
    chart.rule((0.0, 0.0), (1.0, 1.0))
    for group in tenths(p):
        low, high = _interval(int(hit[group].sum()), len(group))
        chart.whisker(float(p[group].mean()), low, high)
        chart.dots([(float(p[group].mean()), float(hit[group].mean()))], radius=4)
    error = calibration_error(p, hit)
    text = f"On average a group is off by {error:.3f} (the expected calibration error). Lines are 95% intervals."
    return figure(short(name), chart.svg(f"Calibration of {short(name)}", text), text)


def _interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    share, z2 = hits / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _of_numbers(target: Any, y: Array, a: Array) -> Markup:
    """True values against answers, row by row and in groups."""
    log = isinstance(target, LogQuantity) and bool((y > 0).all() and (a > 0).all())
    some = np.arange(0, len(y), max(1, len(y) // DOTS))
    ends = [float(end(part[some])) for part in (y, a) for end in (np.min, np.max)]
    chart = Chart(ends, ends, ("answer", "true value"), log=(log, log))
    chart.rule((min(ends), min(ends)), (max(ends), max(ends)))
    chart.dots(list(zip(a[some].tolist(), y[some].tolist(), strict=True)), 5, radius=2, faint=True)
    chart.dots([(float(a[g].mean()), float(y[g].mean())) for g in tenths(a)], 0, radius=4.5)
    text = "Small dots are rows, great ones the means of ten groups; on the line answers are true."
    return figure(short(target.name), chart.svg(f"True values and answers of {short(target.name)}", text), text)
