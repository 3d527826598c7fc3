"""The section of the data: rows, targets, and each column with what the model makes of it."""

from __future__ import annotations

import numpy as np

from chainrule.arrays import Array
from chainrule.model.report.known import known_facts
from chainrule.model.report.model_card import target_in_words
from chainrule.model.report.page import Section, table
from chainrule.model.report.rows import Judged
from chainrule.model.report.subject import Subject
from chainrule.plots.markup import Markup, joined, tag
from chainrule.tables.columns import missing_cells
from chainrule.tables.inputs.operations import Items, Presence, Time, Word
from chainrule.tables.inputs.transforms import TextWords, Transform
from chainrule.tables.profile.dates import CLOCK, clock_text, time_text
from chainrule.tables.targets import ClassTarget, LabelTarget, Target
from chainrule.text import number, short

__all__ = ["data_section"]

MOST_COLUMNS = 300  # in the table of columns
BINS = 16
WORDS = 3  # of a column that are named


def data_section(model: Subject, judged: Judged | None) -> Section:
    """Rows, targets and columns."""
    parts = [_rows(model, judged), _targets(model, judged), _columns(model, judged)]
    more = len(model.encoder.transforms) - MOST_COLUMNS
    if more > 0:
        parts.append(tag("p", f"and {more:,} more columns; chainrule inspect shows all", class_="quiet"))
    return Section("data", "Data", joined(*parts))


def _rows(model: Subject, judged: Judged | None) -> Markup:
    summary = known_facts(model.summary)
    held_out = "validated, each by a network that left it out" if "members" in summary else "held out for validation"
    rows = [("trained on", summary.get("rows")), (held_out, summary.get("validation_rows"))]
    rows += [("for the test of the training", summary["test"]["rows"])] if "test" in summary else []
    if judged is not None:
        some = judged.taken
        rows += [(f"in {some.origin}", some.total)]
        rows += [("of these taken, spread evenly", some.table.num_rows + judged.without)] if some.sampled else []
        rows += [("left out, without a target", judged.without)] if judged.without else []
        rows += [("judged", len(judged.X))]
    known = [(name, f"{count:,}") for name, count in rows if count is not None]
    return table("Rows", ("rows", "number"), known, numbers=(1,))


def _targets(model: Subject, judged: Judged | None) -> Markup:
    if judged is None:
        rows = [(short(target.name), target_in_words(target)) for target in model.targets.columns]
        return table("Targets", ("target", "what it is"), rows, words=(1,))
    parts = zip(model.targets.columns, model.targets.truth.columns, model.targets.slices, strict=True)
    cells = [(short(t.name), target_in_words(t), *_true_values(truth, judged.T[:, s])) for t, truth, (_, s) in parts]
    return table("Targets", ("target", "what it is", "in the rows judged", "picture"), cells, words=(1, 2))


def _true_values(truth: Target, T: Array) -> tuple[str, Markup]:
    """The values of a target in words and as a small picture."""
    if isinstance(truth, ClassTarget | LabelTarget):
        counts = (truth.one_hot(T) if isinstance(truth, ClassTarget) else T).sum(axis=0)
        order = np.argsort(-counts, kind="stable")
        names = [f"{short(truth.texts[k])} {counts[k] / len(T):.0%}" for k in order[:WORDS]]
        more = f" and {len(counts) - WORDS} more" if len(counts) > WORDS else ""
        return f"{', '.join(names)}{more}", _bars(counts[order][:BINS])
    return _numbers(truth.decode(T))


def _columns(model: Subject, judged: Judged | None) -> Markup:
    heads = ("becomes", "how")
    transforms = model.encoder.transforms[:MOST_COLUMNS]
    if judged is None:
        rows = [(short(t.name), t.kind, t.detail) for t in transforms]
        return table("Columns, as the model reads them", ("column", *heads), rows, words=(2,))
    cells = [(short(t.name), *_cells(t, judged), t.kind, t.detail) for t in transforms]
    return table(
        "Columns, as the model reads them, and their cells in the rows judged",
        ("column", "missing", "cells", "picture", *heads),
        cells,
        numbers=(1,),
        words=(2, 5),
    )


def _cells(transform: Transform, judged: Judged) -> tuple[str, str, Markup | str]:
    """The share of missing cells, the others in words, and a small picture of them."""
    if not transform.features:
        return "", "", ""
    column = judged.table.column(transform.name)
    if isinstance(transform.reading, Presence):
        return f"{missing_cells(column).mean():.1%}", "", ""
    cells = transform.reading.read(column, transform.name)
    missing, present = f"{cells.missing.mean():.1%}", cells.values[~cells.missing]
    if not present.shape[0]:
        return missing, "none", ""
    if isinstance(transform.reading, Word):
        counts = np.bincount(present + 1, minlength=len(transform.reading.words) + 1)
        return (missing, *_words(transform.reading, counts, len(present)))
    if isinstance(transform.reading, Items):
        counts = np.roll(present.sum(axis=0), 1)
        counts[0] *= not isinstance(transform, TextWords)  # all texts have other words
        return (missing, *_words(transform.reading, counts, present.shape[0]))
    if isinstance(transform.reading, Time):
        text = clock_text if transform.reading.form == CLOCK else time_text
        return missing, f"{text(float(present.min()))} to {text(float(present.max()))}", _histogram(present)
    return (missing, *_numbers(present))


def _words(reading: Word | Items, counts: Array, rows: int) -> tuple[str, Markup]:
    """How many of the rows have any other word, and each of the words, in words and as a picture."""
    order = np.argsort(-counts, kind="stable")
    names = ["unknown", *reading.words]
    named = [f"{short(names[k])} {counts[k] / rows:.0%}" for k in order[:WORDS] if counts[k]]
    more = int((counts > 0).sum()) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else ""), _bars(counts[order][:BINS])


def _numbers(values: Array) -> tuple[str, Markup]:
    low, middle, high = (number(value) for value in np.quantile(values, [0.0, 0.5, 1.0]).tolist())
    return f"{low} to {high}, half below {middle}", _histogram(values)


def _histogram(values: Array) -> Markup:
    low, high = (float(value) for value in np.quantile(values, [0.01, 0.99]))
    inside = values[(values >= low) & (values <= high)]
    if not low < high or not np.isfinite(high - low):
        return _bars(np.array([len(values)]))
    return _bars(np.histogram(inside, bins=BINS, range=(low, high))[0])


def _bars(counts: Array) -> Markup:
    """A small picture of counts, which the cell beside it says in words."""
    heights = [20.0 * float(count) / max(1.0, float(counts.max())) for count in counts]
    bars = (
        tag("rect", x=6 * k, y=f"{20 - h:.1f}", width=5, height=f"{h:.1f}", class_="bar s0")
        for k, h in enumerate(heights)
    )
    return tag("svg", *bars, viewBox=f"0 0 {6 * BINS} 20", class_="mini", aria_hidden="true")
